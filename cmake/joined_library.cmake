# weir_joined_library(TARGET OUTPUT name EXPORTS pattern LAYERS target...)
#
# A static library of the objects of these targets. They are joined into one object that exports only the names of the
# pattern: a user's own pool_open() cannot clash with ours. Not every linker can join Windows objects this way: there the
# library has the separate objects.
function(weir_joined_library target)
    cmake_parse_arguments(JOINED "" "OUTPUT;EXPORTS" "LAYERS" ${ARGN})
    set(objects "")
    foreach(layer IN LISTS JOINED_LAYERS)
        list(APPEND objects $<TARGET_OBJECTS:${layer}>)
    endforeach()
    if(WIN32)
        add_library(${target} STATIC ${objects})
    else()
        set(joined ${PROJECT_BINARY_DIR}/${JOINED_OUTPUT}.o)
        add_custom_command(
            OUTPUT ${joined}
            COMMAND ${CMAKE_LINKER} -r -o ${joined} ${objects}
            COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=${JOINED_EXPORTS} ${joined}
            DEPENDS ${objects}
            COMMAND_EXPAND_LISTS VERBATIM
            COMMENT "Joining lib${JOINED_OUTPUT} into one object")
        add_library(${target} STATIC ${joined})
        add_dependencies(${target} ${JOINED_LAYERS})
        set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    endif()
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${JOINED_OUTPUT} LINKER_LANGUAGE C)
endfunction()
