# SPDX-License-Identifier: Apache-2.0
# Completion of hublink-devhub for bash.

_hublink_devhub() {
        local cur prev words cword command= i
        _init_completion -n = 2>/dev/null || {
                cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
                words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
        }

        case $prev in
        --state-dir)
                COMPREPLY=($(compgen -d -- "$cur"))
                return ;;
        --from)
                COMPREPLY=($(compgen -W 'start end' -- "$cur"))
                return ;;
        --host | --listen | --mqtt-port | --https-port | --amqps-port | --amqp-port | \
                --count | --for | --device | --code | --delay | --offset | --hub | --linked-hub)
                return ;;
        esac

        # the words that are neither options nor their values
        for ((i = 1; i < cword; i++)); do
                case ${words[i]} in
                --state-dir | --from | --host | --listen | --mqtt-port | --https-port | --amqps-port | --amqp-port | \
                        --count | --for | --device | --code | --delay | --offset | --hub | --linked-hub)
                        ((i++)) ;;
                -*) ;;
                *) command+="${command:+ }${words[i]}" ;;
                esac
        done

        local options='--state-dir --help --version' more=
        local serve='--host --listen --mqtt-port --https-port --amqps-port --amqp-port --linked-hub --virtual-clock'
        case $command in
        '') more="serve device monitor fault ca clock $serve" ;;
        serve) more=$serve ;;
        device) more='create list delete' ;;
        'device create'* | 'device list') more='--json' ;;
        monitor*) more='--from --count --for --verify' ;;
        fault) more='set list clear' ;;
        'fault set' | 'fault clear')
                more='refuse-connect cut delay-puback withhold-puback silent poison reset takeover tls-stall
                      cert-wrong-name cert-expired cert-new-ca clock-offset token-cut throttle quota duplicate
                      method-no-answer twin-conflict dps-busy dps-reassign' ;;
        'fault set '*) more='--device --for --count --code --delay --match --offset --hub' ;;
        ca) more='add list delete' ;;
        'ca list') more='--json' ;;
        clock) more='show advance' ;;
        'fault list') more='--json' ;;
        esac
        COMPREPLY=($(compgen -W "$more $options" -- "$cur"))
}
complete -F _hublink_devhub hublink-devhub
