# The few functions every folder uses, so that flags, include root and link visibility are decided once.
include_guard(GLOBAL)
find_package(Threads REQUIRED)

add_library(tandem_options INTERFACE)
target_compile_features(tandem_options INTERFACE cxx_std_20)
target_include_directories(tandem_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(tandem_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wimplicit-fallthrough
  # GCC 12 sees overlapping copies in inlined string concatenation that are not there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${TANDEM_WERROR}>:-Werror>)
target_compile_definitions(tandem_options INTERFACE
  $<$<BOOL:${TANDEM_ASSERTS}>:TANDEM_ASSERTS=1> TANDEM_VERSION="${PROJECT_VERSION}")
if(TANDEM_SANITIZE)
  target_compile_options(tandem_options INTERFACE -fsanitize=${TANDEM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tandem_options INTERFACE -fsanitize=${TANDEM_SANITIZE})
endif()
find_program(TANDEM_MOLD mold)
if(TANDEM_MOLD)
  target_link_options(tandem_options INTERFACE -fuse-ld=mold)
endif()

# tandem_library(NAME SOURCES a.cpp... [DEPENDS public...] [PRIVATE private...]): the static library tandem_NAME.
function(tandem_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPENDS;PRIVATE")
  add_library(tandem_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(tandem_${name} PUBLIC tandem_options ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE} Threads::Threads)
endfunction()

# tandem_test(NAME SOURCES a_test.cpp... LINK targets... [LABELS l...] [NO_MAIN] [ENVIRONMENT k=v...] [FULL]): one
# GoogleTest program; every test in it becomes a ctest entry. FULL: tests with "_Full" in their names take long and get
# the label "full" instead of the others.
function(tandem_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "NO_MAIN;FULL" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT")
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${ARG_SOURCES})
  set(main GTest::gtest_main)
  if(ARG_NO_MAIN)
    set(main GTest::gtest)
  endif()
  target_link_libraries(${name} PRIVATE tandem_options GTest::gmock ${main} ${ARG_LINK})
  target_compile_definitions(${name} PRIVATE TANDEM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(filter "*")
  if(ARG_FULL)
    set(filter "-*_Full*")
    gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST TEST_FILTER "*_Full*"
      PROPERTIES LABELS full TIMEOUT 3600 ENVIRONMENT "${ARG_ENVIRONMENT}")
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST TEST_FILTER "${filter}"
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()
