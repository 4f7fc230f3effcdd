tandem_test(devices_opencl_test
  SOURCES opencl_blocked_test.cpp opencl_conv_test.cpp opencl_device_test.cpp opencl_ops_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 300
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_stream_test
  SOURCES device_clock_test.cpp opencl_stream_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_general_test
  SOURCES opencl_general_test.cpp opencl_types_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 600
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_tuning_test
  SOURCES opencl_tuning_database_test.cpp
  LINK tandem_opencl
  TIMEOUT 300
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_chain_test
  SOURCES opencl_chain_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 600
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
