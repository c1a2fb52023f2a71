# weir_cmocka: the cmocka library for the tests, if available.
#
# Linux: the distribution's package. Windows: WEIR_CMOCKA is the folder of an installed cmocka (scripts/test builds it
# from Debian's source package), or with WEIR_FETCH_CMOCKA, CMake downloads it from its repository.
set(WEIR_CMOCKA "" CACHE PATH "Windows: folder of an installed cmocka")
option(WEIR_FETCH_CMOCKA "Windows: fetch cmocka over the network and build it" OFF)

if(NOT WIN32)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET GLOBAL cmocka)
    if(CMOCKA_FOUND)
        add_library(weir_cmocka INTERFACE)
        target_link_libraries(weir_cmocka INTERFACE PkgConfig::CMOCKA)
    endif()
elseif(EXISTS ${WEIR_CMOCKA}/include/cmocka.h)
    add_library(weir_cmocka INTERFACE)
    target_include_directories(weir_cmocka SYSTEM INTERFACE ${WEIR_CMOCKA}/include)
    target_link_libraries(weir_cmocka INTERFACE ${WEIR_CMOCKA}/lib/libcmocka-static.a)
elseif(WEIR_FETCH_CMOCKA)
    include(FetchContent)
    # In the cache: cmocka's own option() replaces a plain variable, and the tests would miss its DLL.
    set(BUILD_SHARED_LIBS OFF CACHE BOOL "cmocka is linked statically; weir's libraries do not depend on it" FORCE)
    set(WITH_EXAMPLES OFF CACHE BOOL "" FORCE)
    FetchContent_Declare(cmocka GIT_REPOSITORY https://git.cryptomilk.org/projects/cmocka.git GIT_TAG cmocka-1.1.7)
    FetchContent_MakeAvailable(cmocka)
    add_library(weir_cmocka INTERFACE)
    target_include_directories(weir_cmocka SYSTEM INTERFACE ${cmocka_SOURCE_DIR}/include)
    target_link_libraries(weir_cmocka INTERFACE cmocka)
endif()
