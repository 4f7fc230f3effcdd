# Writes one C++ initializer {"name", R"cl(text)cl"} per OpenCL C file: cmake -DSOURCES=a.cl;b.cl -DOUTPUT=x.inc -P this
set(text "// Generated from engine/devices/opencl/kernels/*.cl\n")
foreach(source ${SOURCES})
  get_filename_component(name ${source} NAME_WE)
  file(READ ${source} body)
  string(APPEND text "{\"${name}\", R\"cl(${body})cl\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
