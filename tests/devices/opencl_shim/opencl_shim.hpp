// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <string>

/// An OpenCL that fails on demand. The library stands in front of libOpenCL, linked before it or by LD_PRELOAD, counts
/// the calls that programs and CLBlast make, and does to them what rules say; the rest goes on to the real one.
///
/// Rules are separated by ';', in TANDEM_OPENCL_SHIM or by setRules():
///   clFinish:3=-5          the third call of clFinish returns -5 (CL_OUT_OF_RESOURCES)
///   clFinish:3+=-5         the third and all later ones
///   clFinish@1:3=-5        the third on device 1; devices count in the order of their first context,
///                          anew after a setRules() while nothing is alive
///   *:17=-36               the 17th call of all
///   clBuildProgram:1=-11:text  fails, and `text` is the build log (it may be empty)
///   clFinish:2=hold        does not return before release()
///   clEnqueueReadBuffer:2=flip  reads at once, and flips one bit of the middle element's top byte
///   clCreateBuffer:2=defer succeeds, and fails at the first use
///   clGetDeviceInfo:1=abort  the process dies
///   max_alloc=N memory=N align=N  what the device says of itself, in bytes, and keeps to
/// A release or a clFinish that a rule fails is done all the same.
namespace tandem::test::shim {

/// Replaces all rules and starts all counts anew; objects that are alive stay counted.
void setRules(const std::string& rules);
/// Calls since setRules(), and the name of call `n`, the first being 1.
std::size_t calls();
std::string nameOfCall(std::size_t n);
/// Calls that a rule failed, held, flipped or deferred since setRules().
std::size_t hits();
/// Objects that were made and not released, "cl_mem 3, cl_event 1"; empty where there are none.
std::string alive();
/// Lets every held call go on, those that come later included.
void release();
/// Blocks until that many calls are held.
void waitUntilHeld(int calls = 1);

} // namespace tandem::test::shim
