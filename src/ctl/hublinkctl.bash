# SPDX-License-Identifier: Apache-2.0
# Completion of hublinkctl for bash.

# Names that the daemon knows; bus says where it is.
_hublinkctl_sensors() {
    hublinkctl "${bus[@]}" --json sensors 2>/dev/null | grep -o '"name":"[A-Za-z0-9_]*"' | cut -d'"' -f4
}

_hublinkctl_letters() {
    hublinkctl "${bus[@]}" --json dead-letters list 2>/dev/null | grep -o '"id":[0-9]*' | cut -d: -f2
}

_hublinkctl_messages() {
    hublinkctl "${bus[@]}" --json inbox list 2>/dev/null | grep -o '{"id":[0-9]*' | cut -d: -f2
}

_hublinkctl_methods() {
    hublinkctl "${bus[@]}" --json methods 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4
}

_hublinkctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev= options= names= kind= word option i
    local -a bus=() words=() given=()
    COMPREPLY=()

    # What stands before the cursor: words of the command, options, and the option whose value is asked for.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --bus | --config | --for | --count | --time | --stream | --timeout | --content-type | --property | --output | \
            --from | --to | --probe | --sysfs | --connection-string-file | --dps-id-scope | --dps-registration-id | \
            --dps-key-file | --dps-group-key-file | --enable | --disable | --root | --state-dir)
            given+=("$word")
            # bash makes three words of --name=value
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
            if ((++i >= COMP_CWORD)); then
                prev=$word
                [[ $cur == = ]] && cur=
            elif [[ $word == --bus ]]; then
                bus=(--bus "${COMP_WORDS[i]}")
                # ... and several of an address, which has = and : in it
                while ((i + 1 < COMP_CWORD)) && [[ ${COMP_WORDS[i + 1]} == [=:] || ${COMP_WORDS[i]} == [=:] ]]; do
                    bus[1]+=${COMP_WORDS[++i]}
                done
            fi
            ;;
        -?*) given+=("$word") ;;
        *) words+=("$word") ;;
        esac
    done

    case $prev in
    '') ;;
    --bus) names='system session' ;;
    --for | --timeout) names='10s 1min 5min' ;;
    --config | --output | --connection-string-file | --dps-key-file | --dps-group-key-file) kind=file ;;
    --enable | --disable) names='i2c serial users' ;;
    --sysfs | --root | --state-dir) kind=directory ;;
    --probe) names=$(compgen -G '/dev/i2c-*') ;;
    esac

    if [[ ! $prev ]]; then
        options='--bus --config --json'
        case ${words[0]-} in
        '')
            options+=' --help --version'
            names='status watch sensors submit submit-message flush reconnect methods call audit dead-letters inbox twin
                queue rules setup doctor check'
            ;;
        watch) options+=' --for --count' ;;
        methods | audit) options+=' --watch --for' ;;
        sensors)
            if [[ ! ${words[1]-} ]]; then
                names=scan
            else
                options+=' --probe --yes --sysfs'
            fi
            ;;
        flush) options+=' --timeout' ;;
        setup)
            options+=' --connection-string-file --dps-id-scope --dps-registration-id --dps-key-file --dps-group-key-file'
            options+=' --enable --disable --forget --back --no-start --timeout --yes --root'
            ;;
        doctor) options+=' --offline --strict --root --state-dir' ;;
        call)
            options+=' --timeout'
            ((${#words[@]} == 1)) && names=$(_hublinkctl_methods)
            ;;
        submit)
            options+=' --time --stream --wait --timeout'
            ((${#words[@]} == 1)) && names=$(_hublinkctl_sensors)
            ;;
        submit-message)
            options+=' --stream --content-type --property --wait --timeout'
            ((${#words[@]} == 1)) && kind=file
            ;;
        dead-letters)
            case ${words[1]-} in
            '') names='list show export requeue delete' ;;
            show) ((${#words[@]} == 2)) && names=$(_hublinkctl_letters) ;;
            export | requeue | delete)
                [[ ${words[1]} == export ]] && options+=' --output'
                ((${#words[@]} == 2)) && options+=' --all'
                [[ " ${given[*]} " == *' --all '* ]] || names=$(_hublinkctl_letters)
                ;;
            esac
            ;;
        inbox)
            case ${words[1]-} in
            '') names='list take complete reject' ;;
            list) options+=' --watch --for' ;;
            take | complete | reject)
                [[ ${words[1]} == take ]] && options+=' --output'
                ((${#words[@]} == 2)) && names=$(_hublinkctl_messages)
                ;;
            esac
            ;;
        twin)
            case ${words[1]-} in
            '')
                options+=' --watch --for'
                names='get report'
                ;;
            get) options+=' --watch --for' ;;
            esac
            ;;
        rules)
            if [[ ! ${words[1]-} ]]; then
                names=test
            else
                options+=' --quiet'
                ((${#words[@]} == 2)) && kind=file
            fi
            ;;
        queue)
            case ${words[1]-} in
            '') names='stats inspect verify export' ;;
            verify) options+=' --quiet' ;;
            export) options+=' --all --stream --from --to --output --quiet' ;;
            esac
            [[ ${words[1]-} == @(inspect|verify|export) ]] && ((${#words[@]} == 2)) && kind=directory
            ;;
        esac
    fi

    # What is given already is not given again, but for one property after the other.
    names=" ${names//$'\n'/ } "
    for word in "${words[@]:1}"; do
        names=${names/" $word "/ }
    done
    for option in $options; do
        [[ $option != --property && " ${given[*]} " == *" $option "* ]] || names+=" $option"
    done

    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur")
    case $kind in
    file) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur") ;;
    directory) compopt -o filenames 2>/dev/null; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur") ;;
    esac
}

complete -F _hublinkctl hublinkctl
