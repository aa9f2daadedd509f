"""Networks written down from the figures of well-known papers, as notations."""

#: LeCun et al. 1998, figure 2: all maps connected, poolings that average, a dense output.
LENET_5 = (
    "1x32x32 | conv 6 k5 tanh, avgpool 2 | conv 16 k5 tanh, avgpool 2 | conv 120 k5 tanh "
    "| dense 84 tanh, dense 10"
)
#: Krizhevsky, Sutskever & Hinton 2012, figure 2, as one column.
ALEXNET = (
    "3x227x227 | conv 96 k11 s4 relu, maxpool 3 s2 | conv 256 k5 p2 relu, maxpool 3 s2 "
    "| conv 384 k3 p1 relu, conv 384 k3 p1 relu, conv 256 k3 p1 relu, maxpool 3 s2 "
    "| dense 4096 relu, dense 4096 relu, dense 1000"
)
#: Simonyan & Zisserman 2015, table 1, configuration D.
VGG_16 = (
    "3x224x224"
    + "".join(
        f" | {', '.join([f'conv {channels} k3 p1 relu'] * count)}, maxpool 2"
        for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    )
    + " | dense 4096 relu, dense 4096 relu, dense 1000"
)
