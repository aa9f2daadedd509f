"""lenet as a scikit-learn estimator: :class:`lenet.LeNetClassifier`.

``given`` reads what users hand over, ``layout`` says which image a row of numbers is, ``values``
how numbers become bytes; ``samples`` brings a training set into one order, ``networks`` chooses
what to train and ``training`` trains it. ``classifier`` is scikit-learn's protocol over them, and
alone knows that package.
"""
