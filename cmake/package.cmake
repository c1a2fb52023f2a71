# Installation, and the packages made from it (cpack).
#
#   bin/weir                        the program
#   include/weir                    the headers
#   lib/libweir.so, lib/libweir.a   the library; lib/cmake/weir and lib/pkgconfig for linking
#   bin/weir-test, lib/libweir_test.a   the simulator for users' handlers (not on Windows: bin/weir-test)
#   lib/libweir_cluster.a           weir/cluster.h: servers on several machines
#   share/doc/weir                  documentation and examples
#   share/man, share/bash-completion and others   man pages, completions; lib/systemd/system: the units (Linux)
#
# On Linux there are three packages for Debian, as its policy asks, by components: weir (the program, with its files in /etc),
# libweir0 and libweir-dev. The archive (TGZ) has all of it but the files in /etc.
#
# No file contains the installation path: the whole tree can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(WEIR_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
set(WEIR_DOC_FOLDER ${CMAKE_INSTALL_DATAROOTDIR}/doc/weir)

# ---- targets ----
set_target_properties(weir_shared PROPERTIES EXPORT_NAME weir)
set_target_properties(weir_static PROPERTIES EXPORT_NAME static)
set_target_properties(weir_system PROPERTIES EXPORT_NAME system)
set_target_properties(weir_module PROPERTIES EXPORT_NAME module)
set_target_properties(weir_test PROPERTIES EXPORT_NAME test)
set_target_properties(weir_cluster_static PROPERTIES EXPORT_NAME cluster)
set(destinations RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
                 LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
                 ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
                 INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(WIN32) # modules link with the program there
    set_target_properties(weir PROPERTIES EXPORT_NAME program)
    install(TARGETS weir EXPORT weirTargets ${destinations})
else()
    install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
    install(TARGETS weir_tester RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT development)
endif()
install(TARGETS weir_shared weir_static weir_test weir_cluster_static weir_system weir_module EXPORT weirTargets
        ${destinations})
install(EXPORT weirTargets NAMESPACE weir:: DESTINATION ${WEIR_CMAKE_FOLDER} COMPONENT development)

# ---- headers and link information ----
install(DIRECTORY include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN *.h PATTERN *.def)
install(FILES ${PROJECT_BINARY_DIR}/include/weir/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weir
        COMPONENT development)

configure_package_config_file(cmake/weirConfig.cmake.in ${PROJECT_BINARY_DIR}/cmake/weirConfig.cmake
                              INSTALL_DESTINATION ${WEIR_CMAKE_FOLDER})
# Before 1.0, a minor version may break compatibility.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/weirConfig.cmake ${PROJECT_BINARY_DIR}/cmake/weirConfigVersion.cmake
        DESTINATION ${WEIR_CMAKE_FOLDER} COMPONENT development)

if(WIN32)
    set(libraries "-lws2_32 -lmswsock -liphlpapi -lbcrypt -lcrypt32")
    if(WEIR_HAS_TLS)
        string(PREPEND libraries "-lssl -lcrypto ")
    endif()
    set(WEIR_PC_PRIVATE "Libs.private: ${libraries}")
    set(WEIR_PC_TEST "Libs: -L\${libdir} -lweir_test ${libraries}") # it is always static
else()
    # Not Requires.private: pkg-config would then need liburing.pc for the shared library, too.
    set(libraries "-luring -pthread")
    if(WEIR_HAS_TLS)
        string(PREPEND libraries "-lssl -lcrypto ")
    endif()
    set(WEIR_PC_PRIVATE "Libs.private: ${libraries}")
    set(WEIR_PC_TEST "Libs: -L\${libdir} -lweir_test ${libraries}") # it is always static
endif()
set(WEIR_PC_CLUSTER "Libs: -L\${libdir} -lweir_cluster") # likewise; it calls libweir
if(WEIR_HAS_NATS)
    string(APPEND WEIR_PC_CLUSTER " -lnats")
endif()
file(RELATIVE_PATH WEIR_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" WEIR_PC_PREFIX "${WEIR_PC_PREFIX}")
configure_file(cmake/weir.pc.in ${PROJECT_BINARY_DIR}/cmake/weir.pc @ONLY)
configure_file(cmake/weir-test.pc.in ${PROJECT_BINARY_DIR}/cmake/weir-test.pc @ONLY)
configure_file(cmake/weir-cluster.pc.in ${PROJECT_BINARY_DIR}/cmake/weir-cluster.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/weir.pc ${PROJECT_BINARY_DIR}/cmake/weir-test.pc
              ${PROJECT_BINARY_DIR}/cmake/weir-cluster.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# ---- documentation and examples ----
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${WEIR_DOC_FOLDER} COMPONENT manuals)
install(DIRECTORY docs/ DESTINATION ${WEIR_DOC_FOLDER}/docs COMPONENT manuals FILES_MATCHING PATTERN *.md)
install(DIRECTORY examples/ DESTINATION ${WEIR_DOC_FOLDER}/examples COMPONENT manuals # they build in this folder
        FILES_MATCHING PATTERN *.c PATTERN CMakeLists.txt PATTERN utf8.* PATTERN rio_sample EXCLUDE)

include(cmake/manual.cmake)

# ---- packages ----
include(cmake/architecture.cmake)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VENDOR weir)
set(CPACK_PACKAGE_CONTACT "weir maintainers <maintainers@weir.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
if(WIN32) # a .zip with only the program
    configure_file(packaging/windows/README.txt.in ${PROJECT_BINARY_DIR}/README.txt @ONLY NEWLINE_STYLE DOS)
    configure_file(LICENSE ${PROJECT_BINARY_DIR}/LICENSE.txt COPYONLY)
    install(TARGETS weir RUNTIME DESTINATION . COMPONENT program EXCLUDE_FROM_ALL)
    install(FILES ${PROJECT_BINARY_DIR}/README.txt ${PROJECT_BINARY_DIR}/LICENSE.txt DESTINATION . COMPONENT program
            EXCLUDE_FROM_ALL)
    if(WEIR_HAS_TLS) # weir.exe contains OpenSSL
        find_file(WEIR_OPENSSL_LICENSE LICENSE.txt PATHS ${OPENSSL_INCLUDE_DIR}/.. NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
        if(WEIR_OPENSSL_LICENSE)
            configure_file(${WEIR_OPENSSL_LICENSE} ${PROJECT_BINARY_DIR}/LICENSE-OpenSSL.txt COPYONLY)
            install(FILES ${PROJECT_BINARY_DIR}/LICENSE-OpenSSL.txt DESTINATION . COMPONENT program EXCLUDE_FROM_ALL)
        endif()
    endif()
    if(WEIR_YAML_LIBRARIES) # and libyaml
        find_file(WEIR_LIBYAML_LICENSE License PATHS ${WEIR_LIBYAML} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
        if(WEIR_LIBYAML_LICENSE)
            configure_file(${WEIR_LIBYAML_LICENSE} ${PROJECT_BINARY_DIR}/LICENSE-libyaml.txt COPYONLY)
            install(FILES ${PROJECT_BINARY_DIR}/LICENSE-libyaml.txt DESTINATION . COMPONENT program EXCLUDE_FROM_ALL)
        endif()
    endif()
    if(WEIR_COMPLETIONS)
        install(FILES ${WEIR_COMPLETIONS}/weir.ps1 DESTINATION . COMPONENT program EXCLUDE_FROM_ALL)
    endif()
    set(CPACK_GENERATOR ZIP)
    set(CPACK_PACKAGE_FILE_NAME weir-${PROJECT_VERSION}-windows-${WEIR_ARCHITECTURE})
    set(CPACK_INSTALL_CMAKE_PROJECTS ${PROJECT_BINARY_DIR};weir;program;/)
else()
    set(CPACK_GENERATOR TGZ DEB)
    set(CPACK_PACKAGE_FILE_NAME weir-${PROJECT_VERSION}-linux-${WEIR_ARCHITECTURE})
    include(cmake/service.cmake)
    include(cmake/debian.cmake)
endif()
include(CPack)
