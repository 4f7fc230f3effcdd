tandem_test(devices_opencl_test
  SOURCES opencl_blocked_test.cpp opencl_conv_test.cpp opencl_device_test.cpp opencl_ops_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  TIMEOUT 300
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_stream_test
  SOURCES device_clock_test.cpp opencl_stream_test.cpp opencl_test_util.cpp
  LINK tandem_opencl
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
tandem_test(devices_opencl_variants_test
  SOURCES opencl_conv_variants_test.cpp opencl_halves_test.cpp opencl_product_test.cpp opencl_test_util.cpp
    opencl_variants.cpp
  LINK tandem_opencl tandem_runtime
  LABELS full
  TIMEOUT 900
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
# Every variant takes minutes of a driver's compiler; these few stand for all in the fast run.
add_test(NAME devices_opencl.some_variants_of_every_family
  COMMAND devices_opencl_variants_test --gtest_filter=*/Same3x3:*/DepthwiseStride2:*/RowTimesMatrix:*/Odd:WeightsAsHalves.*-*Tiny*)
set_tests_properties(devices_opencl.some_variants_of_every_family PROPERTIES LABELS unit TIMEOUT 600
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
# An OpenCL that fails on demand. Linked first, so that it stands in front of libOpenCL.
find_package(OpenCL REQUIRED)
add_library(opencl_shim SHARED opencl_shim/entries.cpp opencl_shim/rules.cpp)
target_link_libraries(opencl_shim PRIVATE tandem_options OpenCL::OpenCL ${CMAKE_DL_LIBS})
tandem_test(devices_opencl_faults_test
  SOURCES opencl_faults_test.cpp opencl_cache_test.cpp opencl_test_util.cpp
  LINK opencl_shim tandem_opencl
  ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
add_library(opencl_bad_driver SHARED opencl_shim/bad_driver.cpp)
target_link_libraries(opencl_bad_driver PRIVATE tandem_options)
if(NOT TANDEM_SANITIZE) # a library that is preloaded would come before the sanitizer's
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME devices_opencl.programs_survive_bad_drivers
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/opencl_programs_test.py $<TARGET_FILE:tandem>
      $<TARGET_FILE:opencl_shim> $<TARGET_FILE:opencl_bad_driver>)
  set_tests_properties(devices_opencl.programs_survive_bad_drivers PROPERTIES LABELS cli TIMEOUT 300
    ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
endif()
