# SPDX-License-Identifier: Apache-2.0
# Completion of hublink-devhub for bash.

# Those of the hub in the directory that the line names; a default that is not readable offers none.
_hublink_devhub_devices() {
    hublink-devhub device list "${dir[@]}" 2>/dev/null
}

_hublink_devhub_authorities() {
    hublink-devhub ca list "${dir[@]}" 2>/dev/null | cut -d' ' -f1
}

_hublink_devhub_fault() {
    local bounds='--for --count'
    case $1 in
    clock-offset) echo --for --offset ;;
    token-cut) echo --for --device ;;
    tls-stall | cert-*) echo $bounds ;;
    refuse-connect) echo $bounds --device --code ;;
    delay-puback | throttle | dps-busy) echo $bounds --device --delay ;;
    poison) echo $bounds --device --match ;;
    dps-reassign) echo $bounds --device --hub ;;
    *) echo $bounds --device ;;
    esac
}

_hublink_devhub() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev= options= names= kind= word option i
    local serve='--host --listen --mqtt-port --https-port --amqps-port --amqp-port --linked-hub --tier --units
        --c2d-ttl --c2d-max-delivery --virtual-clock --seed'
    local faults='refuse-connect cut delay-puback withhold-puback silent poison reset takeover tls-stall
        cert-wrong-name cert-expired cert-new-ca clock-offset token-cut throttle quota duplicate method-no-answer
        twin-conflict dps-busy dps-reassign'
    local -a dir=() words=() given=()
    COMPREPLY=()

    # What stands before the cursor: words of the command, options, and the option whose value is asked for.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --state-dir | --from | --host | --listen | --mqtt-port | --https-port | --amqps-port | --amqp-port | --count | \
            --for | --device | --code | --delay | --match | --offset | --hub | --linked-hub | --tier | --units | \
            --c2d-ttl | --c2d-max-delivery | --seed)
            given+=("$word")
            # bash makes three words of --name=value
            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
            if ((++i >= COMP_CWORD)); then
                prev=$word
                [[ $cur == = ]] && cur=
            elif [[ $word == --state-dir ]]; then
                dir=(--state-dir "${COMP_WORDS[i]}")
            elif [[ $word == --linked-hub && ${COMP_WORDS[i + 1]} == = ]]; then
                # ... and of HOST=DIR
                ((++i >= COMP_CWORD || ++i >= COMP_CWORD)) && prev=--state-dir
                [[ $cur == = ]] && cur=
            fi
            ;;
        -?*) given+=("$word") ;;
        *) words+=("$word") ;;
        esac
    done

    case $prev in
    '') ;;
    --state-dir) kind=directory ;;
    --seed) kind=file ;;
    --from) names='start end' ;;
    --tier) names='F1 S1 S2 S3' ;;
    --device) names=$(_hublink_devhub_devices | grep -v /) ;;
    --c2d-ttl) names='1min 1h 2d' ;;
    --for | --delay) names='1s 10s 1min 5min' ;;
    --offset) names='+1h -10min' ;;
    --code) names='0 1 2 3 4 5' ;;
    --listen) names='127.0.0.1 0.0.0.0 ::1' ;;
    esac

    if [[ ! $prev ]]; then
        options='--state-dir'
        case "${words[*]}" in
        '')
            options+=" --help --version $serve"
            names='serve device monitor fault ca usage clock seed dump reset'
            ;;
        serve) options+=" $serve" ;;
        device) names='create list delete' ;;
        'device create' | 'device create '*) options+=' --json' ;;
        'device list') options+=' --json' ;;
        'device delete') names=$(_hublink_devhub_devices) ;;
        monitor | 'monitor '*)
            options+=' --from --count --for --verify'
            ((${#words[@]} == 1)) && names=$(_hublink_devhub_devices)
            ;;
        fault) names='set list clear' ;;
        'fault set') options+=' --device --for --count --code --delay --match --offset --hub' names=$faults ;;
        'fault set '*) options+=" $(_hublink_devhub_fault "${words[2]}")" ;;
        'fault clear') names=$faults ;;
        'fault list') options+=' --json' ;;
        ca) names='add list delete' ;;
        'ca list') options+=' --json' ;;
        'ca delete') names=$(_hublink_devhub_authorities) ;;
        'ca add '*) ((${#words[@]} == 3)) && kind=file ;;
        usage) options+=' --json' ;;
        clock) names='show advance' ;;
        seed | 'seed '*)
            options+=' --replace'
            ((${#words[@]} == 1)) && kind=file
            ;;
        dump | 'dump '*)
            options+=' --secrets'
            ((${#words[@]} == 1)) && kind=file
            ;;
        reset) options+=' --all --yes' ;;
        'clock advance') names='10s 1min 1h 1d' ;;
        esac
        for option in $options; do
            [[ $option != --linked-hub && " ${given[*]} " == *" $option "* ]] || names+=" $option"
        done
    fi
    COMPREPLY=($(compgen ${kind:+-A $kind} -W "$names" -- "$cur"))
}
complete -F _hublink_devhub hublink-devhub
