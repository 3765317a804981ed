# What can be completed after `geophone`, in bash: installed as share/bash-completion/completions/geophone.
_geophone_completion() {
    local IFS=$'\n'
    COMPREPLY=($(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \
        _GEOPHONE_COMPLETE=complete_bash "$1"))
}

complete -o default -F _geophone_completion geophone
