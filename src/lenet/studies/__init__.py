"""Many trainings that answer one question: variants side by side, and studies of a claim.

- ``statistics``: means and paired differences, with intervals
- ``trials``: many trainings at once, each kept in a file as soon as it is done
- ``variation``: :func:`lenet.vary`, what a choice is worth over several seeds
- ``claim``: a study as it is written, in a file of ``claims/`` or of one's own
- ``study``: :func:`lenet.study`, whether a claim holds
- ``space``, ``sampling``: the candidates of a search, and who proposes them
- ``tune``, ``tuning``: :func:`lenet.tune`, the search itself and what came of it
"""
