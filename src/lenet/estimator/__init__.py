"""lenet as a scikit-learn estimator: :class:`lenet.LeNetClassifier`.

``samples`` brings what users hand over into one form, images of bytes; ``classifier`` is
scikit-learn's protocol, and alone imports that package. ``training`` does the training.
"""
