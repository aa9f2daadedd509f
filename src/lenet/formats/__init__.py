"""Files of other programs that a trained model leaves as; see :mod:`lenet.formats.export`."""
