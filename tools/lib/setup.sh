# Set-up that tools/quickstart, tools/test and .ci/run share; sourced by bash.
# Debian 12 or later. Everything here is idempotent, and offline and silent
# once nothing is missing.

# The one list of packages. What each is for:
#   g++ cmake ninja-build          the build
#   libmlir-22-dev mlir-22-tools   the compiler half
#   llvm-22-dev                    LLVM Support, used by both halves
#   llvm-22-tools                  lit, FileCheck
#   libzstd-dev zlib1g-dev         needed by static LLVM Support
#   libboost-dev                   exact integers, graph algorithms
#   flatbuffers-compiler libflatbuffers-dev   the program container
#   libgtest-dev clang-format-22   tests
#   python3-numpy                  tests and demonstrations
fetta_packages=(
  g++ libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
  libzstd-dev zlib1g-dev libboost-dev flatbuffers-compiler libflatbuffers-dev
  python3-numpy)
fetta_test_packages=(libgtest-dev clang-format-22)

fetta_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

fetta_die() {
  echo "$(basename "$0"): error: $*" >&2
  exit 1
}

# Ends with a usage error unless fetta_jobs is empty or a positive number.
fetta_check_jobs() {
  [[ -z $fetta_jobs || $fetta_jobs =~ ^[1-9][0-9]*$ ]] && return
  echo "$(basename "$0"): error: --jobs needs a positive number, not '$fetta_jobs'" >&2
  exit 2
}

# True if version $1 is at least $2.
fetta_version_at_least() {
  [[ $(printf '%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# Sets fetta_cmake and fetta_ninja to programs that work; empty where none does.
fetta_find_build_tools() {
  local candidate version
  fetta_cmake= fetta_ninja=
  for candidate in cmake /usr/bin/cmake; do
    version=$({ "$candidate" --version 2>/dev/null || :; } | sed -n '1s/[^0-9]*//p')
    if [[ -n $version ]] && fetta_version_at_least "$version" 3.25; then
      fetta_cmake=$(command -v "$candidate")
      break
    fi
  done
  for candidate in ninja /usr/bin/ninja; do
    if "$candidate" --version >/dev/null 2>&1; then
      fetta_ninja=$(command -v "$candidate")
      break
    fi
  done
}

# fetta_install PACKAGE...: installs those of the packages that are missing.
fetta_install() {
  local installed package missing=() sudo=()
  command -v dpkg-query >/dev/null ||
    fetta_die "this set-up installs Debian packages; on another system install" \
      "the equivalents of: $*"
  # dpkg-query fails on a package it never heard of, which is no reason to stop.
  installed=" $(dpkg-query -W -f='${db:Status-Status}=${Package} ' "$@" 2>/dev/null || :) "
  for package in "$@"; do
    [[ $installed == *" installed=$package "* ]] || missing+=("$package")
  done
  fetta_find_build_tools
  [[ -n $fetta_cmake ]] || missing+=(cmake)
  [[ -n $fetta_ninja ]] || missing+=(ninja-build)
  ((${#missing[@]})) || return 0

  echo "Debian packages to install: ${missing[*]}"
  echo "(what each is for: tools/lib/setup.sh)"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fetta_die "installing packages needs root and there is no sudo; run as" \
        "root: apt-get install ${missing[*]}"
    echo "apt-get needs root for this: sudo may ask for your password."
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq ||
    echo "apt-get update failed; trying with the package lists at hand" >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${missing[@]}" ||
    fetta_die "apt-get could not install the packages above"
  fetta_find_build_tools
  [[ -n $fetta_cmake && -n $fetta_ninja ]] ||
    fetta_die "no working CMake 3.25 or later and Ninja after the installation"
}

# Sets fetta_python to a Python that has NumPy.
fetta_find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3; do
    if "$candidate" -c 'import numpy' 2>/dev/null; then
      fetta_python=$(command -v "$candidate")
      return
    fi
  done
  fetta_die "no Python 3 with NumPy; install python3-numpy"
}

# fetta_configure FOLDER ARGUMENT...: configures a build folder. One that
# another source folder or another generator left behind is made anew.
fetta_configure() {
  local folder=$1 log
  shift
  if [[ -f $folder/CMakeCache.txt ]] &&
    ! { grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$fetta_root" "$folder/CMakeCache.txt" &&
      grep -qx 'CMAKE_GENERATOR:INTERNAL=Ninja' "$folder/CMakeCache.txt"; }; then
    echo "$folder belongs to another source folder or generator; starting it anew"
    rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
  fi
  if ! log=$("$fetta_cmake" -S "$fetta_root" -B "$folder" -G Ninja \
    -DCMAKE_MAKE_PROGRAM="$fetta_ninja" -DPython3_EXECUTABLE="$fetta_python" \
    "$@" 2>&1); then
    printf '%s\n' "$log" >&2
    fetta_die "CMake could not configure $folder"
  fi
}

# fetta_build FOLDER TARGET...: builds; a terminal sees progress, a log sees
# what goes wrong.
fetta_build() {
  local folder=$1 quiet=--quiet
  shift
  [[ -t 1 ]] && quiet=
  echo "Building ${folder#"$fetta_root"/} (${*:-everything})"
  "$fetta_cmake" --build "$folder" ${fetta_jobs:+-j "$fetta_jobs"} -- $quiet "$@" ||
    fetta_die "the build in $folder failed"
}
