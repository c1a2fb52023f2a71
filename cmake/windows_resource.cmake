# weir_windows_resource(TARGET FILE DESCRIPTION [MANIFEST])
#
# Adds a version resource to a program or library for Windows; the version is the project's. MANIFEST also adds
# packaging/windows/weir.manifest. Microsoft's linker makes a manifest of its own and merges ours into it; other linkers
# take it as a resource. The targets of other systems stay unchanged.
if(WIN32)
    enable_language(RC)
endif()

function(weir_windows_resource target file description)
    if(NOT WIN32)
        return()
    endif()
    set(RESOURCE_FILE ${file})
    set(RESOURCE_DESCRIPTION ${description})
    set(RESOURCE_TYPE 0x2) # VFT_DLL
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
        set(RESOURCE_TYPE 0x1) # VFT_APP
    endif()
    set(manifest ${PROJECT_SOURCE_DIR}/packaging/windows/weir.manifest)
    set(RESOURCE_MANIFEST "")
    if("MANIFEST" IN_LIST ARGN AND MSVC)
        target_sources(${target} PRIVATE ${manifest})
    elseif("MANIFEST" IN_LIST ARGN)
        set(RESOURCE_MANIFEST "1 24 \"${manifest}\" /* RT_MANIFEST */")
    endif()
    # The table of messages for the event log (RT_MESSAGETABLE): message 1 is "%1", the text of the event. One block of one
    # message, which begins after 16 bytes and has 16 bytes of UTF-16.
    set(RESOURCE_MESSAGES "")
    if("MANIFEST" IN_LIST ARGN)
        set(RESOURCE_MESSAGES "1 11\nBEGIN\n    1L, 1L, 1L, 16L, 16, 1, 37, 49, 13, 10, 0, 0\nEND")
    endif()
    set(script ${CMAKE_CURRENT_BINARY_DIR}/${target}.rc)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/windows/weir.rc.in ${script} @ONLY)
    set_source_files_properties(${script} PROPERTIES OBJECT_DEPENDS ${manifest})
    target_sources(${target} PRIVATE ${script})
endfunction()
