# tandem_op(<file> <Type>): one line per operator; the file ops/<file>.cpp defines `const OpDef k<Type>`.
# tandem_op_helper(<file>): code that several operators share.
# One alphabetical block per kind; an empty line between blocks keeps changes to them apart.

# Elementwise with one operand
tandem_op(relu Relu)

# Elementwise with several operands, broadcasting

# Reductions and scans

# Data movement, shapes and constants

# Layers of neural networks: convolution, pooling, normalisation, matrix products, recurrence, resizing

