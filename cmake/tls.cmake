# WEIR_TLS: TLS with OpenSSL 3. AUTO uses OpenSSL if it is found.
#
# Sets WEIR_HAS_TLS, and WEIR_FILTERS_LEFT_OUT: the sources of src/filter that this build does not contain.
set(WEIR_TLS AUTO CACHE STRING "TLS with OpenSSL 3: AUTO (if it is found), ON or OFF")
set_property(CACHE WEIR_TLS PROPERTY STRINGS AUTO ON OFF)

set(install_openssl "Debian and Ubuntu: libssl-dev")
if(WIN32)
    set(install_openssl "see docs/windows.md")
endif()

set(WEIR_HAS_TLS OFF)
if(NOT WEIR_TLS STREQUAL "OFF")
    find_package(OpenSSL 3.0 QUIET)
    if(OpenSSL_FOUND)
        set(WEIR_HAS_TLS ON)
        # A project that contains weir links weir::static in another folder.
        foreach(target IN ITEMS OpenSSL::SSL OpenSSL::Crypto)
            get_target_property(is_global ${target} IMPORTED_GLOBAL)
            if(NOT is_global)
                set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
            endif()
        endforeach()
        if(WIN32) # what a static OpenSSL calls
            set_property(TARGET OpenSSL::Crypto APPEND PROPERTY INTERFACE_LINK_LIBRARIES ws2_32 crypt32 advapi32 user32)
        endif()
        message(STATUS "TLS: OpenSSL ${OPENSSL_VERSION}")
    elseif(WEIR_TLS STREQUAL "AUTO")
        message(STATUS "TLS: left out, because OpenSSL 3 was not found (${install_openssl})")
    else()
        message(FATAL_ERROR "WEIR_TLS=ON, but OpenSSL 3 was not found (${install_openssl})")
    endif()
else()
    message(STATUS "TLS: left out, because WEIR_TLS is OFF")
endif()

if(WEIR_HAS_TLS)
    set(WEIR_FILTERS_LEFT_OUT "tls_(client_)?absent")
    set(WEIR_TLS_LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
else()
    set(WEIR_FILTERS_LEFT_OUT "tls_(bio|client|client_api|context|error|names|pair|session|settings|tickets)")
    set(WEIR_TLS_LIBRARIES "")
endif()
