# libyaml: reads configuration files (weir serve --config, weir check).
#
# WEIR_CONFIG_FILE: AUTO builds it if libyaml is found, ON requires it, OFF leaves it out. Windows: WEIR_LIBYAML is the folder
# of an installed static libyaml (scripts/test builds it from Debian's source package).
#
# Sets WEIR_YAML_LIBRARIES, which is empty if it is left out.
set(WEIR_CONFIG_FILE AUTO CACHE STRING "Configuration files with libyaml: AUTO (if it is found), ON or OFF")
set_property(CACHE WEIR_CONFIG_FILE PROPERTY STRINGS AUTO ON OFF)
set(WEIR_LIBYAML "" CACHE PATH "Windows: folder of an installed static libyaml")

set(WEIR_YAML_LIBRARIES "")
set(libyaml_absent "libyaml was not found (Debian and Ubuntu: libyaml-dev; Windows: docs/dependencies.md)")
if(WEIR_CONFIG_FILE STREQUAL "OFF")
    set(libyaml_absent "WEIR_CONFIG_FILE is OFF")
elseif(WIN32)
    find_path(WEIR_LIBYAML_INCLUDE yaml.h HINTS ${WEIR_LIBYAML}/include NO_CMAKE_FIND_ROOT_PATH)
    find_library(WEIR_LIBYAML_LIBRARY NAMES yaml_static yaml HINTS ${WEIR_LIBYAML}/lib NO_CMAKE_FIND_ROOT_PATH)
    if(WEIR_LIBYAML_INCLUDE AND WEIR_LIBYAML_LIBRARY)
        add_library(weir_libyaml INTERFACE)
        target_include_directories(weir_libyaml SYSTEM INTERFACE ${WEIR_LIBYAML_INCLUDE})
        target_compile_definitions(weir_libyaml INTERFACE YAML_DECLARE_STATIC)
        target_link_libraries(weir_libyaml INTERFACE ${WEIR_LIBYAML_LIBRARY})
        set(WEIR_YAML_LIBRARIES weir_libyaml)
        set(libyaml_found "libyaml in ${WEIR_LIBYAML_LIBRARY}")
    endif()
else()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(LIBYAML QUIET IMPORTED_TARGET GLOBAL yaml-0.1>=0.2)
    if(LIBYAML_FOUND)
        set(WEIR_YAML_LIBRARIES PkgConfig::LIBYAML)
        set(libyaml_found "libyaml ${LIBYAML_VERSION}")
    endif()
endif()

if(WEIR_YAML_LIBRARIES)
    set(WEIR_YAML_LEFT_OUT "yaml_reader_absent")
    message(STATUS "Configuration files: ${libyaml_found}")
elseif(WEIR_CONFIG_FILE STREQUAL "ON")
    message(FATAL_ERROR "WEIR_CONFIG_FILE=ON, but ${libyaml_absent}")
else()
    set(WEIR_YAML_LEFT_OUT "yaml_(reader|problem)")
    message(STATUS "Configuration files: left out, because ${libyaml_absent}")
endif()
