"""A run one can look at: its page, its pictures, and runs beside each other.

``predictions`` has the facts; ``pictures`` draws them, ``run_page`` and ``comparison_page`` write
them with the building blocks of ``html``; ``results`` is what ``report`` and ``compare_runs``
return.
"""
