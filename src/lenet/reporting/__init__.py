"""A run one can look at: its page, its pictures, and runs beside each other.

- ``record``: what a run folder holds, read with care; ``signals``: how each layer fares
- ``predictions``: what the model predicts for the test images, in numbers
- ``run_comparison``: what is known of runs side by side
- ``pictures``: all of a run's; ``html``: the building blocks of a page
- ``run_page``, ``comparison_page``: what is found out, written down
- ``results``: what ``report`` and ``compare_runs`` return
"""
