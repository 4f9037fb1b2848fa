# Package for other projects: headers, libraries, find_package(Fetta).
#   cmake --install build --prefix DIR [--component fetta|fetta-dev]
# fetta holds tools and the plugin, fetta-dev what a C++ project needs.

# By hand: a list of all targets would sweep in test-only libraries.
set(FETTA_INSTALLED_LIBRARIES
  # Runtime half.
  FettaSupport
  FettaMachine
  FettaLayout
  FettaContraction
  FettaNetwork
  FettaMapping
  FettaSchedule
  FettaProgram
  FettaSimulator
  FettaSweep
  # Compiler half.
  FettaTNN
  FettaTNNTransforms
  FettaTNNToLinalg
  FettaLinalgToTNN
  FettaHW
  FettaHWTransforms
  FettaTNNToFetta
  FettaFettaToLinalg
  FettaTargetBinary
  FettaTargetQueues
  FettaPipelines)
set(installed FettaFlags)
foreach(library ${FETTA_INSTALLED_LIBRARIES})
  if(TARGET ${library})
    list(APPEND installed ${library})
  endif()
endforeach()

include(CMakePackageConfigHelpers)
set(FETTA_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/Fetta)
install(TARGETS ${installed} EXPORT FettaTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT fetta-dev)
install(EXPORT FettaTargets NAMESPACE Fetta:: DESTINATION ${FETTA_INSTALL_CMAKEDIR}
  COMPONENT fetta-dev)
install(DIRECTORY include/fetta DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT fetta-dev
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/fetta
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT fetta-dev
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
configure_package_config_file(cmake/FettaConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/FettaConfig.cmake INSTALL_DESTINATION ${FETTA_INSTALL_CMAKEDIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/FettaConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/FettaConfig.cmake
  ${PROJECT_BINARY_DIR}/cmake/FettaConfigVersion.cmake
  DESTINATION ${FETTA_INSTALL_CMAKEDIR} COMPONENT fetta-dev)
