# WEIR_ARCHITECTURE: the processor that this build is for, as the compiler says it. CMAKE_SYSTEM_PROCESSOR names the machine
# that builds, if a developer's prompt of MSVC selects another target.
include(CheckCSourceCompiles)

set(WEIR_ARCHITECTURE ${CMAKE_SYSTEM_PROCESSOR})
foreach(candidate IN ITEMS "x86_64:defined(__x86_64__) || defined(_M_X64) && !defined(_M_ARM64EC)"
                           "arm64:defined(__aarch64__) || defined(_M_ARM64) || defined(_M_ARM64EC)"
                           "x86:defined(__i386__) || defined(_M_IX86)")
    string(REGEX MATCH "^([^:]+):(.*)$" _ "${candidate}")
    set(name ${CMAKE_MATCH_1})
    check_c_source_compiles("#if !(${CMAKE_MATCH_2})
        #error another processor
        #endif
        int main(void) { return 0; }" WEIR_BUILDS_FOR_${name})
    if(WEIR_BUILDS_FOR_${name})
        set(WEIR_ARCHITECTURE ${name})
        break()
    endif()
endforeach()
