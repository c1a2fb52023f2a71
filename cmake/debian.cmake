# The packages for Debian: weir, libweir0 and libweir-dev.
set(packages weir libweir${PROJECT_VERSION_MAJOR} libweir-dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL server system manuals runtime development)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
foreach(component IN ITEMS server system manuals)
    string(TOUPPER ${component} upper)
    set(CPACK_COMPONENT_${upper}_GROUP weir)
endforeach()
set(CPACK_COMPONENT_RUNTIME_GROUP library)
set(CPACK_COMPONENT_DEVELOPMENT_GROUP headers)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "TCP and UDP session server") # Debian wants no article

set(CPACK_DEBIAN_WEIR_PACKAGE_NAME weir)
set(CPACK_DEBIAN_WEIR_PACKAGE_SECTION net)
set(CPACK_DEBIAN_WEIR_DESCRIPTION "It serves messages of clients, by handlers that are built in or modules in C,
over io_uring or epoll, with limits, timeouts, TLS and WebSocket.")
set(CPACK_DEBIAN_WEIR_PACKAGE_RECOMMENDS "systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_WEIR_PACKAGE_SUGGESTS logrotate)
set(scripts ${PROJECT_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_WEIR_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libweir${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${scripts}/triggers)
install(FILES packaging/debian/libweir.overrides DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides
        RENAME libweir${PROJECT_VERSION_MAJOR} COMPONENT runtime)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "The sessions of a server and of connections to other servers: messages,
limits, timeouts, groups, TLS and WebSocket.")

set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME libweir-dev)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS "libweir${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS "liburing-dev") # for linking with libweir.a
if(WEIR_HAS_TLS)
    string(APPEND CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS ", libssl-dev")
endif()
if(WEIR_HAS_NATS)
    string(APPEND CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS ", libnats-dev")
endif()
set(CPACK_DEBIAN_HEADERS_DESCRIPTION "The headers and static libraries, and weir-test, which runs a handler under
random peers and faults.")

# ---- what Debian asks of every package ----
string(TIMESTAMP WEIR_CHANGELOG_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH, if that is set
configure_file(packaging/debian/changelog.in ${PROJECT_BINARY_DIR}/debian/changelog @ONLY)
find_program(WEIR_GZIP gzip)
if(WEIR_GZIP)
    execute_process(COMMAND ${WEIR_GZIP} -9nkf ${PROJECT_BINARY_DIR}/debian/changelog)
endif()
foreach(pair IN ITEMS weir:system libweir${PROJECT_VERSION_MAJOR}:runtime libweir-dev:development)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 package)
    list(GET pair 1 component)
    set(folder ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package})
    install(FILES LICENSE DESTINATION ${folder} RENAME copyright COMPONENT ${component})
    install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz DESTINATION ${folder} COMPONENT ${component} OPTIONAL)
endforeach()
