"""What tests run in other processes, which must be able to import it."""

import lenet


def answer(value, images):
    """Use a value in another process, and send it back."""
    told = str(value)
    if isinstance(value, lenet.Model):
        return value, told, value.scores(images)
    if isinstance(value, lenet.LeNetClassifier):
        return value, told, value.predict_proba(images[:, 0])
    return value, told, None


def refuse(_):
    lenet.parse("1x28x28 | conv")
