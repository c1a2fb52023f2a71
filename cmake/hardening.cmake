# Protections that the compiler and the linker add, for all weir targets: weir_hardening is part of weir_flags.
#
# Each is used if the compiler or linker accepts it. tools/hardening checks the built files; docs/hardening.md explains the
# choice and its costs. Sanitized builds and coverage builds have none, because they have their own checks or count
# branches.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)

option(WEIR_HARDENING "Build with the protections of the compiler and the linker" ON)
set(WEIR_FORTIFY_MAX 3 CACHE STRING "Highest level of _FORTIFY_SOURCE to try in an optimised build; 0: none")
set(WEIR_CET return CACHE STRING "Control-flow protection on x86: return (shadow stack), full (also indirect branches), none")
option(WEIR_ZERO_LOCALS "Initialise local variables with zero (costs instructions per message)" OFF)

check_pie_supported(LANGUAGES C) # executables are linked with -pie where the linker has it
add_library(weir_hardening INTERFACE)

# weir_harden_compiler(flag): uses the flag if the compiler accepts it without a warning.
function(weir_harden_compiler flag)
    string(MAKE_C_IDENTIFIER "WEIR_HAS_${flag}" found)
    if(NOT MSVC)
        set(CMAKE_REQUIRED_FLAGS -Werror)
    endif()
    check_c_compiler_flag(${flag} ${found})
    if(${found})
        target_compile_options(weir_hardening INTERFACE ${flag})
    endif()
endfunction()

# weir_harden_linker(flag): uses the flag if the linker accepts it.
function(weir_harden_linker flag)
    string(MAKE_C_IDENTIFIER "WEIR_HAS_${flag}" found)
    check_linker_flag(C ${flag} ${found})
    if(${found})
        target_link_options(weir_hardening INTERFACE ${flag})
    endif()
endfunction()

# weir_fortify(): the highest level that the compiler and the C library support together. It needs optimisation.
function(weir_fortify)
    foreach(level IN ITEMS 3 2)
        if(level GREATER WEIR_FORTIFY_MAX)
            continue()
        endif()
        set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level}")
        check_c_source_compiles("#include <stdio.h>
            #if defined(__USE_FORTIFY_LEVEL) && __USE_FORTIFY_LEVEL < ${level}
            #error the C library treats this level as a lower one
            #endif
            #if defined(__MINGW_FORTIFY_LEVEL) && __MINGW_FORTIFY_LEVEL < ${level}
            #error so does mingw-w64
            #endif
            int main(void) { return 0; }" WEIR_HAS_FORTIFY_${level})
        if(WEIR_HAS_FORTIFY_${level})
            target_compile_options(weir_hardening INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})
            return()
        endif()
    endforeach()
endfunction()

function(weir_harden_msvc)
    weir_harden_compiler(/guard:cf)
    foreach(flag IN ITEMS /DYNAMICBASE /HIGHENTROPYVA /NXCOMPAT /guard:cf /CETCOMPAT)
        weir_harden_linker(${flag})
    endforeach()
endfunction()

function(weir_harden_gcc_and_clang)
    weir_harden_compiler(-fstack-protector-strong)
    if(NOT WIN32)
        # On Windows every function probes its stack anyway, and gcc 12 fails with the option (internal error).
        weir_harden_compiler(-fstack-clash-protection)
    endif()
    if(NOT WIN32 AND NOT WEIR_CET STREQUAL "none")
        # On Windows the file must announce it, which the linker of mingw-w64 cannot.
        weir_harden_compiler(-fcf-protection=${WEIR_CET})
    endif()
    if(WEIR_ZERO_LOCALS)
        weir_harden_compiler(-ftrivial-auto-var-init=zero)
    endif()
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        weir_fortify()
    endif()
    if(WIN32)
        target_link_options(weir_hardening INTERFACE -fstack-protector-strong) # its run-time library
        foreach(flag IN ITEMS --dynamicbase --high-entropy-va --nxcompat --enable-reloc-section --tsaware)
            weir_harden_linker(-Wl,${flag})
        endforeach()
    else()
        foreach(keyword IN ITEMS relro now noexecstack separate-code)
            weir_harden_linker(-Wl,-z,${keyword})
        endforeach()
        if(WEIR_HAS__fcf_protection_${WEIR_CET}) # also if the C library's start-up files do not announce it
            weir_harden_linker(-Wl,-z,shstk)
        endif()
    endif()
endfunction()

if(WEIR_HARDENING AND NOT WEIR_SANITIZE AND NOT WEIR_COVERAGE)
    if(MSVC)
        weir_harden_msvc()
    else()
        weir_harden_gcc_and_clang()
    endif()
endif()
