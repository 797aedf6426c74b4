# SPDX-License-Identifier: Apache-2.0
# Completion of hublinkctl for bash.

_hublinkctl_sensors() {
    hublinkctl "$@" --json sensors 2>/dev/null | grep -o '"name":"[A-Za-z0-9_]*"' | cut -d'"' -f4
}

_hublinkctl_letters() {
    hublinkctl "$@" --json dead-letters list 2>/dev/null | grep -o '"id":[0-9]*' | cut -d: -f2
}

_hublinkctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i words
    local -a bus=()
    COMPREPLY=()

    case $prev in
    --bus) mapfile -t COMPREPLY < <(compgen -W 'system session' -- "$cur"); return ;;
    --config) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --for | --timeout) mapfile -t COMPREPLY < <(compgen -W '10s 1min 5min' -- "$cur"); return ;;
    --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --count | --time | --from | --to | --stream | --content-type | --property) return ;;
    esac

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --bus) bus=(--bus "${COMP_WORDS[++i]}") ;;
        --config) ((i++)) ;;
        -*) ;;
        *) command=${COMP_WORDS[i]}; break ;;
        esac
    done

    words='--bus --config --json --help --version'
    case $command in
    '') words+=' status watch sensors submit submit-message flush reconnect dead-letters queue check' ;;
    watch) words+=' --for --count' ;;
    dead-letters)
        case $prev in
        dead-letters) words+=' list show export requeue delete' ;;
        --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        show) words=$(_hublinkctl_letters "${bus[@]}") ;;
        *) words+=" --all --output $(_hublinkctl_letters "${bus[@]}")" ;;
        esac
        ;;
    flush) words+=' --timeout' ;;
    queue)
        case ${COMP_WORDS[i+1]} in
        stats) return ;;
        inspect) ;;
        verify) words+=' --quiet' ;;
        export) words+=' --all --stream --from --to --output --quiet' ;;
        *) words='stats inspect verify export' ;;
        esac
        [[ $words == stats* ]] || mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        ;;
    submit)
        words+=' --time --stream --wait --timeout'
        [[ $prev == submit ]] && words+=" $(_hublinkctl_sensors "${bus[@]}")"
        ;;
    submit-message)
        words+=' --stream --content-type --property --wait --timeout'
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    esac
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o filenames -F _hublinkctl hublinkctl
