"""A run one can look at: its page, its pictures, and runs beside each other.

- ``record``: what a run folder holds, read with care; ``signals``: how each layer fares
- ``answers``: what the model says of the test images, in numbers
- ``curves``, ``confusion``, ``thumbnails``, ``calibration``: the pictures
- ``markup``, ``sections``, ``card``: the page's parts; ``run_report`` puts them together
"""
