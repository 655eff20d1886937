import { Argument, Command } from 'commander';
import { NAME } from '../version.ts';
import type { Session } from './session.ts';
import { linesOf } from './terminal.ts';

/** Returns the verb that prints a completion script. What words may become, the script asks the hidden verb `complete`. */
export function completionCommand(session: Session): Command {
  return new Command('completion')
    .summary('print completions for bash, zsh or fish')
    .description(
      'Print a script that completes verbs, options, their values, and the names of packages in a mirror. To use it now:\n' +
        `  bash: source <(${NAME} completion bash)\n` +
        `  zsh:  source <(${NAME} completion zsh)\n` +
        `  fish: ${NAME} completion fish | source`,
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .action((shell: string) => session.print(linesOf(SCRIPTS[shell] ?? '')));
}

/**
 * Bash splits words at `@`, `=` and `:` too, as in `python@3.11` and `--platforms=`, and replaces only what follows the last of
 * them, but with an `@` itself. So the words are joined again, and what stays is taken off each candidate.
 */
const BASH = `_stout_mirror() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() gap word i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=\${line%%[![:blank:]]*}
    line=\${line:\${#gap}}
    word=\${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || word=$line
    line=\${line:\${#word}}
    if ((i == 0)) || [[ -n $gap ]]; then words+=("$word"); else words[\${#words[@]} - 1]+=$word; fi
  done
  word=\${words[\${#words[@]} - 1]}
  local breaks=\${COMP_WORDBREAKS//[^@=:]/} kept=''
  [[ -z $breaks ]] || kept=\${word%"\${word##*[$breaks]}"}
  kept=\${kept%@}
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do COMPREPLY+=("\${word#"$kept"}"); done < <(
    ${NAME} complete -- "\${words[@]:1}" 2>/dev/null
  )
}
complete -o default -F _stout_mirror ${NAME}
`;

const ZSH = `#compdef ${NAME}
_stout_mirror() {
  local -a lines values texts
  local line
  lines=("\${(@f)$(${NAME} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    values+=("\${line%%$'\\t'*}")
    texts+=("\${line/$'\\t'/  -- }")
  done
  if (($#values)); then compadd -l -d texts -- $values; else _files; fi
}
compdef _stout_mirror ${NAME}
`;

const FISH = `function __stout_mirror
  set -l words (commandline -opc) (commandline -ct)
  set -l found (${NAME} complete -- $words[2..-1] 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${NAME} -f -a '(__stout_mirror)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
