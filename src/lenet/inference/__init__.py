"""Using a model: which class are these images of, and how accurate is it?

- ``predicting``: :func:`lenet.predict`, and what it returns
- ``table``: tables of answers, ``.csv`` or ``.parquet``, that survive a kill
- ``writing``: answers for any number of images, written into such a table
- ``evaluating``: :func:`lenet.evaluate`
"""
