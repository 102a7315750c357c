"""The names of the arrays in the files of predictions and of true classes, which both sides read."""

#: The classes [T, N] or [N] that a network predicts, those [N] of each of its references (followed by its
#: name), and the true ones [N].
PREDICTED, REFERENCE, LABELS = "predicted", "reference ", "test_targets"
