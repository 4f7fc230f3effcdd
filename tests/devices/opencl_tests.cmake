tandem_test(devices_opencl_test
  SOURCES opencl_conv_test.cpp opencl_device_test.cpp opencl_ops_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 300
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_variants_test
  SOURCES opencl_conv_variants_test.cpp opencl_product_test.cpp opencl_test_util.cpp opencl_variants.cpp
  LINK tandem_opencl
  TIMEOUT 900
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_general_test
  SOURCES opencl_general_test.cpp opencl_types_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 600
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
