# tandem_op(<file> <Type>): one line per operator; the file ops/<file>.cpp defines `const OpDef k<Type>`.
tandem_op(relu Relu)
