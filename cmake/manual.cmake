# The man pages and the completions of shells: tools/manual makes them during the build, from the tables of options and the
# headers. Without Python they are left out. A cross-build cannot run the program, so it has only completions.
find_package(Python3 3.9 COMPONENTS Interpreter QUIET)
if(NOT Python3_Interpreter_FOUND)
    message(STATUS "man pages and completions: left out, because Python 3 was not found")
    return()
endif()

set(manual ${PROJECT_SOURCE_DIR}/tools/manual)
file(GLOB manual_sources CONFIGURE_DEPENDS tools/manual_helpers/*.py src/cli/*.def include/weir/*.h)
set(WEIR_COMPLETIONS ${PROJECT_BINARY_DIR}/completions)
set(completions ${WEIR_COMPLETIONS}/weir.bash ${WEIR_COMPLETIONS}/_weir ${WEIR_COMPLETIONS}/weir.fish ${WEIR_COMPLETIONS}/weir.ps1)
add_custom_command(OUTPUT ${completions}
                   COMMAND ${Python3_EXECUTABLE} ${manual} completions ${WEIR_COMPLETIONS}
                   DEPENDS ${manual} ${manual_sources} src/cli/main.c
                   COMMENT "Making the completions of shells" VERBATIM)
set(made ${completions})

find_program(WEIR_GZIP gzip)
if(NOT WIN32 AND NOT CMAKE_CROSSCOMPILING AND WEIR_GZIP)
    set(WEIR_MAN ${PROJECT_BINARY_DIR}/man)
    add_custom_command(OUTPUT ${WEIR_MAN}/stamp
                       COMMAND ${CMAKE_COMMAND} -E rm -rf ${WEIR_MAN} ${WEIR_MAN}.gz
                       COMMAND ${Python3_EXECUTABLE} ${manual} pages ${WEIR_MAN} $<TARGET_FILE:weir> $<TARGET_FILE:weir_tester>
                       COMMAND ${CMAKE_COMMAND} -E copy_directory ${WEIR_MAN} ${WEIR_MAN}.gz
                       COMMAND ${WEIR_GZIP} -9nrf ${WEIR_MAN}.gz
                       COMMAND ${CMAKE_COMMAND} -E touch ${WEIR_MAN}/stamp
                       DEPENDS ${manual} ${manual_sources} weir weir_tester CHANGELOG.md tools/options_doc
                       COMMENT "Making the man pages" VERBATIM)
    list(APPEND made ${WEIR_MAN}/stamp)
endif()
add_custom_target(manual ALL DEPENDS ${made})
