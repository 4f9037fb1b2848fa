# Helpers for libraries, tools, tables and unit tests.
#
#   fetta_add_library(FettaX a.cpp ... [MLIR] [LINK_LIBS FettaY ...] [DEPENDS target ...])
#   fetta_add_tool(fetta-x a.cpp ...   [MLIR] [LINK_LIBS ...])
#   fetta_add_plugin(fetta-x a.cpp ...         [LINK_LIBS ...])  for mlir-opt
#   fetta_add_unittest(XTests a.cpp ... [MLIR] [LINK_LIBS ...])
#   fetta_tablegen(IN.td TARGET NAME -gen-... OUT.inc ...)
#
# Libraries never link LLVM themselves: a runtime tool links static LLVMSupport
# (quick to start, clean --help), an MLIR tool links libLLVM.so through
# libMLIR.so, and a second LLVM in one process would register options twice.

add_library(FettaFlags INTERFACE)
target_include_directories(FettaFlags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# LLVM and MLIR headers warn under g++ 12.
target_include_directories(FettaFlags SYSTEM INTERFACE
  $<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS}> $<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS}>)
target_compile_definitions(FettaFlags INTERFACE BOOST_ALLOW_DEPRECATED_HEADERS)
target_compile_options(FettaFlags INTERFACE
  $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra> $<BUILD_INTERFACE:-Werror>
  $<BUILD_INTERFACE:-Wno-unused-parameter>
  # g++ 12 takes the parts of a std::variant for uninitialised when it is moved.
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>>
  # The modelled arithmetic rounds after every operation.
  $<BUILD_INTERFACE:-ffp-contract=off>)
foreach(definition ${FETTA_LLVM_DEFINITIONS})
  target_compile_options(FettaFlags INTERFACE $<BUILD_INTERFACE:${definition}>)
endforeach()
if(FETTA_ENABLE_ASSERTIONS)
  target_compile_options(FettaFlags INTERFACE $<BUILD_INTERFACE:-UNDEBUG>)
endif()
if(FETTA_SANITIZERS)
  target_compile_options(FettaFlags INTERFACE
    $<BUILD_INTERFACE:-fsanitize=${FETTA_SANITIZERS}>
    $<BUILD_INTERFACE:-fno-sanitize-recover=all>
    $<BUILD_INTERFACE:-fno-omit-frame-pointer>
    # GCC sees false positives through the instrumentation of LLVM's headers.
    $<BUILD_INTERFACE:-Wno-maybe-uninitialized>)
  target_link_options(FettaFlags INTERFACE $<BUILD_INTERFACE:-fsanitize=${FETTA_SANITIZERS}>)
endif()

# One precompiled header serves every MLIR target: 7 s -> 1.4 s per file.
if(FETTA_ENABLE_MLIR)
  file(WRITE ${PROJECT_BINARY_DIR}/pch/pch.cpp.in "// Carrier of the precompiled header.\n")
  configure_file(${PROJECT_BINARY_DIR}/pch/pch.cpp.in ${PROJECT_BINARY_DIR}/pch/pch.cpp COPYONLY)
  add_library(FettaMLIRPch OBJECT ${PROJECT_BINARY_DIR}/pch/pch.cpp)
  target_link_libraries(FettaMLIRPch PRIVATE FettaFlags)
  target_precompile_headers(FettaMLIRPch PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/IR/Builders.h>
    <mlir/IR/BuiltinAttributes.h>
    <mlir/IR/DialectImplementation.h>
    <mlir/IR/OpImplementation.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/Pass.h>
    <mlir/Pass/PassManager.h>
    <mlir/Transforms/DialectConversion.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>)
endif()

function(fetta_configure_target name is_mlir)
  target_link_libraries(${name} PUBLIC FettaFlags)
  if(is_mlir)
    get_target_property(type ${name} TYPE)
    if(type STREQUAL EXECUTABLE)
      # The precompiled header is -fPIC; CMake would give programs -fPIE.
      set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${name} PRIVATE -fPIC)
    endif()
    target_precompile_headers(${name} REUSE_FROM FettaMLIRPch)
    if(TARGET FettaTables)
      add_dependencies(${name} FettaTables)
    endif()
  endif()
endfunction()

function(fetta_add_library name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK_LIBS;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  add_library(Fetta::${name} ALIAS ${name})
  fetta_configure_target(${name} ${ARG_MLIR})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  if(NOT ARG_MLIR)
    # Puts LLVMSupport behind this library on the command line of executables
    # that link it statically.
    target_link_libraries(${name} INTERFACE
      $<BUILD_INTERFACE:$<$<BOOL:$<TARGET_PROPERTY:FETTA_STATIC_LLVM>>:LLVMSupport>>)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY FETTA_LIBRARIES ${name})
endfunction()

# Links LLVM once, and only here.
function(fetta_link_llvm name is_mlir)
  if(is_mlir)
    target_link_libraries(${name} PRIVATE MLIR LLVM)
  else()
    set_target_properties(${name} PROPERTIES FETTA_STATIC_LLVM ON)
    target_link_libraries(${name} PRIVATE LLVMSupport Threads::Threads)
  endif()
endfunction()

function(fetta_add_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  fetta_configure_target(${name} ${ARG_MLIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  fetta_link_llvm(${name} ${ARG_MLIR})
  set_property(GLOBAL APPEND PROPERTY FETTA_TOOLS ${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT fetta)
endfunction()

# A shared object for stock mlir-opt. It links libMLIR.so as mlir-opt does:
# static MLIR would bring a second set of registries along.
function(fetta_add_plugin name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_library(${name} MODULE ${ARG_UNPARSED_ARGUMENTS})
  fetta_configure_target(${name} TRUE)
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  fetta_link_llvm(${name} TRUE)
  set_target_properties(${name} PROPERTIES PREFIX "")
  set_property(GLOBAL APPEND PROPERTY FETTA_PLUGINS ${name})
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT fetta)
endfunction()

# Unit tests land in <build>/unittests/bin, where tools/test finds them.
function(fetta_add_unittest name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  fetta_configure_target(${name} ${ARG_MLIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main)
  fetta_link_llvm(${name} ${ARG_MLIR})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/unittests/bin)
  target_compile_definitions(${name} PRIVATE
    FETTA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT TARGET FettaUnitTests)
    add_custom_target(FettaUnitTests)
  endif()
  add_dependencies(FettaUnitTests ${name})
  set_property(GLOBAL APPEND PROPERTY FETTA_UNITTESTS $<TARGET_FILE:${name}>)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# All generated tables hang on the one target FettaTables, so that the order of
# sub-directories never matters.
function(fetta_tablegen input)
  set(LLVM_TARGET_DEFINITIONS ${input})
  set(outputs "")
  set(args ${ARGN})
  while(args)
    list(POP_FRONT args flags output)
    separate_arguments(flags UNIX_COMMAND "${flags}")
    mlir_tablegen(${output} ${flags}
      EXTRA_INCLUDES ${PROJECT_SOURCE_DIR}/include ${MLIR_INCLUDE_DIRS})
  endwhile()
  string(MAKE_C_IDENTIFIER "${CMAKE_CURRENT_SOURCE_DIR}/${input}" id)
  string(SHA1 id "${id}")
  add_custom_target(FettaTables_${id} DEPENDS ${TABLEGEN_OUTPUT})
  if(NOT TARGET FettaTables)
    add_custom_target(FettaTables)
  endif()
  add_dependencies(FettaTables FettaTables_${id})
endfunction()
