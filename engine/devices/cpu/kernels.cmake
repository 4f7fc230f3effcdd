# tandem_cpu_kernel(<file> <function> <domain/Type>...): kernels/<file>.cpp defines the KernelFactory `function`, asked
# for these operators in the order of the lines. Operators without a line run on their reference loops.
tandem_cpu_kernel(binary binaryKernel Add Div Max Min Mul Sub Sum)
tandem_cpu_kernel(concat concatKernel Concat)
tandem_cpu_kernel(conv convKernel Conv tandem/FusedConv)
tandem_cpu_kernel(eltwise eltwiseKernel
  Abs Clip Elu Exp Gelu HardSwish LeakyRelu Log Relu Round Sigmoid Softplus Sqrt Swish Tanh)
tandem_cpu_kernel(eltwise unaryKernel Ceil Floor HardSigmoid Neg Reciprocal)
tandem_cpu_kernel(matmul gemmKernel Gemm tandem/FusedGemm)
tandem_cpu_kernel(matmul matMulKernel MatMul)
tandem_cpu_kernel(normalize batchNormalizationKernel BatchNormalization)
tandem_cpu_kernel(normalize layerNormalizationKernel LayerNormalization)
tandem_cpu_kernel(normalize lrnKernel LRN)
tandem_cpu_kernel(normalize softmaxKernel LogSoftmax Softmax)
tandem_cpu_kernel(pool globalPoolKernel GlobalAveragePool GlobalMaxPool)
tandem_cpu_kernel(pool poolKernel AveragePool MaxPool)
tandem_cpu_kernel(view identityKernel Dropout Identity)
tandem_cpu_kernel(view viewKernel Flatten Reshape Squeeze Unsqueeze)
