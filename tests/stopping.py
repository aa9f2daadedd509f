"""Callbacks that stop a training, as Ctrl-C does."""


class Stop:
    """Stops at the first look into an epoch, or fails with another error."""

    def __init__(self, epoch=2, error=KeyboardInterrupt):
        self._epoch, self._error = epoch, error

    def step(self, epoch, share):
        if epoch == self._epoch:
            raise self._error

    def epoch(self, record):
        pass


class StopAt(Stop):
    """Stops at a look, counted over the whole training."""

    def __init__(self, look):
        self._looks = look

    def step(self, epoch, share):
        self._looks -= 1
        if self._looks == 0:
            raise KeyboardInterrupt
