# Compile flags of all weir targets.
add_library(weir_flags INTERFACE)
target_link_libraries(weir_flags INTERFACE weir_hardening)
if(MSVC)
    if(MSVC_VERSION LESS 1935)
        message(FATAL_ERROR "weir needs C11's atomics: Visual Studio 2022 version 17.5 or later")
    endif()
    target_compile_options(weir_flags INTERFACE /W4 /utf-8 /experimental:c11atomics)
    # weir.exe and weir.dll have one name, and would share weir.ilk. /guard:cf excludes incremental linking, too.
    target_link_options(weir_flags INTERFACE /INCREMENTAL:NO)
    target_compile_definitions(weir_flags INTERFACE _CRT_SECURE_NO_WARNINGS)
    if(WEIR_WERROR)
        target_compile_options(weir_flags INTERFACE /WX)
    endif()
else()
    target_compile_options(weir_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
                                                -Wmissing-prototypes -fno-strict-aliasing -fno-omit-frame-pointer)
    # Failed checks print the path relative to the source tree, not the build path.
    target_compile_options(weir_flags INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
    if(WEIR_WERROR)
        target_compile_options(weir_flags INTERFACE -Werror)
    endif()
endif()
# Feature macros come from the build and not from files, so that every file sees the same system.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_compile_definitions(weir_flags INTERFACE _GNU_SOURCE)
elseif(WIN32)
    # Windows 10; functions newer than Windows 8 are looked up at run time. C17 printf on mingw-w64.
    target_compile_definitions(weir_flags INTERFACE _WIN32_WINNT=0x0A00 NTDDI_VERSION=0x0A000008 UNICODE _UNICODE
                                                    WIN32_LEAN_AND_MEAN NOMINMAX __USE_MINGW_ANSI_STDIO=1)
endif()
if(WEIR_SANITIZE)
    target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_COVERAGE)
    # Without optimization, each condition is a separate branch. Atomic counters are correct in tests with threads.
    target_compile_options(weir_flags INTERFACE --coverage -O0 -fprofile-update=atomic)
    target_link_options(weir_flags INTERFACE --coverage)
endif()
