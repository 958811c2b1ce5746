file(WRITE ${CMAKE_BINARY_DIR}/compiler.txt "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\n")  # for src/runtime
set(BURNISH_BIN_DIR "bin" CACHE STRING "where the burnish command is installed, under the prefix")
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers -Wno-restrict -fno-omit-frame-pointer)
if(BURNISH_SANITIZE)
  add_compile_options(-fsanitize=${BURNISH_SANITIZE} -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${BURNISH_SANITIZE})
endif()

# What nearly every source reads, parsed once: it is two thirds of a build's work. Without it all builds as well
# (-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON, as tools/tidy.sh does).
set(BURNISH_COMMON_HEADERS <algorithm> <expected> <filesystem> <functional> <map> <set> <string> <unordered_set> <vector>
    <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)  # else ccache cannot see through a precompiled header
endif()

# Sources are compiled several at a time: what headers instantiate is compiled once for all of them. So names in anonymous
# namespaces are unique in a folder; files named in burnish_alone keep theirs to themselves.
# -DCMAKE_UNITY_BUILD=OFF compiles each by itself: an edit costs less then, the whole more.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "compile several sources at a time")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)
function(burnish_alone name)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/src/${name}/ OUTPUT_VARIABLE files)
  set_source_files_properties(${files} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# burnish_precompile(target owner headers...): the owner makes the precompiled headers, the others share them.
function(burnish_precompile target owner)
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${BURNISH_COMMON_HEADERS} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# What works through whole stores and plans. The rest waits for processes, services and files, and is compiled in three
# quarters of the time.
set(BURNISH_BUSY base plan store report)
function(burnish_optimise name)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT name IN_LIST BURNISH_BUSY)
    target_compile_options(burnish_${name} PRIVATE -O1)
  endif()
endfunction()

# burnish_folder(NAME deps...): library burnish_NAME of all sources under src/NAME; those in a folder engine/ are a library
# of their own (burnish_metal), which candidates' objects are loaded beside.
function(burnish_folder name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/engine/")
  if(sources)
    add_library(burnish_${name} STATIC ${sources})
    target_include_directories(burnish_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(burnish_${name} PUBLIC ${ARGN})
    set_target_properties(burnish_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    burnish_precompile(burnish_${name} burnish_base)
    burnish_optimise(${name})
  else()
    add_library(burnish_${name} INTERFACE)
    target_include_directories(burnish_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(burnish_${name} INTERFACE ${ARGN})
  endif()
endfunction()

# burnish_tests(NAME libs...): one executable of tests/NAME/*_test.cpp, found by ctest.
function(burnish_tests name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*_test.cpp)
  if(sources)
    add_executable(${name}_test ${sources})
    set_target_properties(${name}_test PROPERTIES UNITY_BUILD OFF)  # tests name their helpers as they like
    target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${name}_test PRIVATE burnish_${name} GTest::gtest_main GTest::gmock ${ARGN})
    burnish_precompile(${name}_test base_test <gmock/gmock.h> <gtest/gtest.h>)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60)
    add_dependencies(unit_tests ${name}_test)
  endif()
endfunction()

# burnish_embed(NAME file function): the text of src/NAME/file as `std::string_view burnish::function()`.
function(burnish_embed name file function)
  set(from ${PROJECT_SOURCE_DIR}/src/${name}/${file})
  set(to ${PROJECT_BINARY_DIR}/embedded/${name}_${function}.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
  file(READ ${from} text)
  file(CONFIGURE OUTPUT ${to} CONTENT
       "#include <string_view>\nnamespace burnish {\nstd::string_view ${function}() {\n  return R\"~~~(${text})~~~\";\n}\n}\n" @ONLY)
  target_sources(burnish_${name} PRIVATE ${to})
endfunction()
