# shellcheck shell=bash
# Virtual environments for what is written in Python. Sourced, after run.sh and packages.sh.

missing_python_packages() {
    type -P python3 >/dev/null || echo python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}
PACKAGE_CHECKS+=(missing_python_packages)

# ensure_venv FOLDER REQUIREMENTS: a virtual environment with what the file REQUIREMENTS lists.
ensure_venv() {
    local folder=$1 requirements=$2
    local stamp=$folder/requirements.txt
    if cmp --silent "$requirements" "$stamp"; then
        return
    fi
    run python3 -m venv --clear "$folder"
    run "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp -- "$requirements" "$stamp"
}
