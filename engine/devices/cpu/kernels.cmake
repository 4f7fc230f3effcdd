# tandem_cpu_kernel(<file> <function> <domain/Type>...): kernels/<file>.cpp defines the KernelFactory `function`, asked
# for these operators in the order of the lines. Operators without a line run on their reference loops.
tandem_cpu_kernel(conv convKernel Conv tandem/FusedConv)
