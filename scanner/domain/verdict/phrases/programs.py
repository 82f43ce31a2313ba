"""Programs: what language runtimes or servers say of their own CPU, crash or child."""

from __future__ import annotations

from scanner.domain.verdict.phrases import causes
from scanner.domain.verdict.phrases.phrase import ABORT_EXIT_CODE, SIGILL_EXIT_CODE, Phrase, Speaker
from scanner.domain.verdict.reason import Reason

_ILL = frozenset({SIGILL_EXIT_CODE, ABORT_EXIT_CODE})
_LOG = r"(?:.{0,120}[\s|\]:])?"
_NAME = r"(?:.{0,60}[:\]] )?"
_BEFORE = r"(?:.{0,120})"
_LEADS = (_LOG, _NAME, _BEFORE)
"""What stands before the words in a whole line; whoever seeks the words needs none of it, nor what it costs at every letter."""


def _phrase(  # noqa: PLR0913, PLR0917 -- a row has as many columns as a phrase has parts
    reason: Reason, says: str, said_by: str, cause: str, has: str, line: str = "", within: str = "",
    exits: frozenset[int] = frozenset(), *, followed: bool = False,
) -> Phrase:  # fmt: skip
    return Phrase(
        Speaker.PROGRAM,
        reason,
        says,
        said_by,
        cause,
        has,
        line,
        within or _without_leads(line),
        exits,
        is_followed=followed,
    )


def _without_leads(line: str) -> str:
    for lead in _LEADS:
        line = line.replace(lead, "")
    return line


_LEVELS = (
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "This program can only be run on AMD64 processors with v3 microarchitecture support.", "programs in Go 1.18 and newer, built with GOAMD64=v2 to v4", causes.LEVEL, "this program can only be run",
        r"this program can only be run on (?:AMD64|ARM64) processors with \S{1,60} (?:microarchitecture )?support\.?", exits=frozenset({1, 2}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "runtime: this CPU has no floating point hardware, so it cannot run this GOARM=7 binary. Recompile using GOARM=5.", "programs in Go, built with GOARM=6 or 7, GO386=sse2, GOARM64=v8.1 or GORISCV64", causes.LEVEL, "recompile |cannot run this",
        r"(?:runtime: )?this (?:CPU|system) (?:has|does|lacks|must).{1,120}(?:\. ?|, )(?:so it cannot run.{1,100}|recompile using GO\w{3,8}=.{1,40})|"
        rf"{_BEFORE}recompile (?:using|with) GO(?:ARM|ARM64|386|AMD64|MIPS|RISCV64|PPC64)=\S{{1,30}}", exits=frozenset({1, 2}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "WARNING: MongoDB 5.0+ requires a CPU with AVX support, and your current system does not appear to have that!", "the official mongo image 5 and newer (on arm64: ARMv8.2-A)",
        "MongoDB needs AVX from version 5 on (ARMv8.2-A on arm64), which this CPU does not have", "mongodb", r"WARNING: MongoDB (?:\d[\d.+]{0,6} )?requires (?:a CPU with AVX support|ARMv8\.2-A or higher).{0,200}", exits=_ILL, followed=True,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "The current machine does not support all of the following CPU features that are required by the image: [CX8, AVX2].", "GraalVM native images (exit code 1)", causes.LEVEL, "required by the image",
        r"the current machine does not support all of the following cpu features that are required by the image: .{1,300}", exits=frozenset({1, 99}), followed=True,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "The current CPU is missing one or more of the baseline instruction sets.", ".NET 8 and newer", causes.LEVEL, "instruction sets",
        r"the current cpu is missing one or more of the (?:baseline|following|required) instruction sets\b.{0,200}", exits=frozenset({1, 131, 134}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine.", "TensorFlow 1.6 and newer, jaxlib", causes.LEVEL, "but these aren't available",
        rf"{_LOG}the \w{{1,40}} library was compiled to use \S{{1,20}} instructions, but these aren't available on your machine\.?", exits=_ILL,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "RuntimeError: NumPy was built with baseline optimizations: (X86_V2) but your machine doesn't support: (X86_V2).", "NumPy 1.20 and newer (levels since 2.4)", causes.LEVEL, "numpy was built",
        rf"{_LOG}numpy was built with baseline optimizations:.{{0,300}}", within=r"numpy was built with baseline optimizations:(?: ?$| .{0,300}but your machine doesn't support)", exits=frozenset({1}), followed=True,
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "Instruction check fail. The CPU does not support SSE4.2 instruction set.", "ClickHouse (on arm64: needs ARMv8.2-A)", causes.LEVEL, "instruction check fail",
        r"instruction check fail\. the cpu does not support \S{1,30} instruction set\.?", exits=frozenset({1}),
    ),
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "CPU lacks AVX support. Please consider upgrading to a newer CPU.", "Bun (use its baseline build), Intel compilers (Please verify that both the operating system and the processor support …), DPDK, x265 and others", causes.LEVEL, "lacks avx|not built to run|the processor support|this system does not support|unsupported cpu type|not support|n't support|not have|n't have|requires avx|requires sse4|requires x86-64-v|requires a cpu",
        rf"{_NAME}cpu lacks avx2? support\..{{0,120}}|"
        r"(?:fatal error: )?this program was not built to run (?:on the processor in|in) your system\.?|please verify that both the operating system and the processor support .{1,200}|(?:error: )?this system does not support \"\w{1,20}\"\.?.{0,200}|EAL: FATAL: unsupported cpu type\.?.{0,60}|"
        r"(?:error|fatal)[: ]{1,2}(?:this|your|the) (?:cpu|processor) does(?: not|n't) (?:support|have) (?:the )?(?:required )?(?:sse|ssse|avx|bmi|fma|popcnt|lse|neon|x86-64-v)\S{0,20}(?: instructions?(?: set)?)?.{0,120}|"
        rf"{_BEFORE}this (?:binary|executable|program) requires (?:a cpu with )?(?:x86-64-v[234]|avx\S{{0,5}}|sse4\S{{0,3}})\b.{{0,120}}",
    ),
)  # fmt: skip

_FEATURES = r"(?:x86-64-v[234]|s?sse\d\S{0,4}|avx\S{0,6}|bmi\d?|fma|f16c|popcnt|lse|neon)"

_LACKS = (
    _phrase(
        Reason.CPU_LEVEL_TOO_LOW, "ERROR: CPU does not support AVX instructions", "programs that look at the CPU themselves: polars, Elasticsearch, ScyllaDB, game servers, builds for x86-64-v2 to v4", causes.LEVEL,
        "not support|n't support|not have|n't have|required cpu features|was built for|requires|needs a cpu",
        within=rf"\b(?:cpu|processor) (?:does not|doesn't|does n't) (?:support|have) (?:the )?(?:required )?{_FEATURES}(?![\w-])(?!.{{0,200}}(?:fall|using|instead|disabl|slow|ignor|option|skip|will not|won't))|"
        rf"\bmissing required cpu features?\b.{{0,60}}|\b(?:built|compiled) for {_FEATURES}\b.{{0,40}} cpu does not support|"
        rf"\bthis (?:build|binary|application|program|image|version)(?: of \S{{1,40}})? (?:requires|needs) (?:an? (?:cpu|processor) (?:that supports|with|supporting) (?:the )?)?{_FEATURES}(?![\w-])|\b(?:requires|needs) an? (?:x86 )?(?:cpu|processor) (?:that supports|with|supporting) (?:the )?{_FEATURES}(?![\w-])",
    ),
)  # fmt: skip

_SIGILL = (
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "SIGILL: illegal instruction", "programs in Go, with PC= in the next line (exit code 2)", causes.ILLEGAL, "sigill: illegal instruction",
        r"(?:\[signal )?SIGILL: illegal instruction\]?(?: code=.{1,80})?|unexpected fault .{0,60}SIGILL.{0,60}", within=r"(?<!, )\bSIGILL: illegal instruction(?=$|[\s\"'\\,;:.)\]}])", exits=frozenset({2}), followed=True,
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "#  SIGILL (0x4) at pc=0x00007f2d9c0012ab, pid=1, tid=7", "the JVM (exit code 134), with hs_err_pid.log", causes.ILLEGAL, "sigill",
        r"#? {0,8}SIGILL \(0x4\) at pc=0x\w{1,16}.{0,120}", exits=_ILL, followed=True,
    ),
    _phrase(Reason.ILLEGAL_INSTRUCTION, "Fatal Python error: Illegal instruction", "Python's faulthandler", causes.ILLEGAL, "fatal python error", r"fatal python error: illegal instruction", exits=_ILL, followed=True),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "*** SIGILL (@0x55d0) received by PID 1 (TID 0x7f) from PID 8; stack trace: ***", "glog and abseil (C++ programs), MongoDB (Got signal: 4), MySQL, Redis, ClickHouse, Node.js addons", causes.ILLEGAL, "sigill|signal 4|signal: 4|illegal instruction",
        rf"\*\*\* SIGILL(?: \(@0x\w{{1,16}}\))? received .{{1,200}}|{_LOG}(?:got|received|caught) (?:fatal )?signal:? (?:4 \(illegal instruction\)|illegal instruction \(4\)|SIGILL\b).{{0,120}}|{_LOG}mysqld got signal 4 ;|{_LOG}(?:redis|valkey) \S{{1,20}} crashed by signal: 4.{{0,80}}|"
        r"panic(?:\([^)]{1,40}\))?: (?:runtime error: )?illegal instruction(?: at address 0x\w{1,16})?|(?:\[libsecp256k1\]|terminate called).{0,60}SIGILL.{0,60}", exits=_ILL, followed=True,
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "error: test failed: process didn't exit successfully: `/app` (signal: 4, SIGILL: illegal instruction)", "Rust, Node.js, npm, yarn, make, supervisord, gunicorn, uWSGI, php-fpm, nginx, PostgreSQL, Apache, of a child of theirs", causes.ILLEGAL, "sigill|signal 4|illegal instruction",
        within=r"\(signal: 4(?: \(core dumped\))?, SIGILL: illegal instruction\)|\b(?:terminated by|killed by|was sent|died from|exited on|exited with|npm (?:ERR!|error)|received) (?:signal:? )?(?:4 )?\(?SIGILL\b|npm (?:ERR!|error) signal SIGILL|terminated (?:by|with) signal 4(?:: illegal instruction)?\b|(?:interrupted|terminated) (?:by|with) signal (?:4: )?SIGILL\b|caught signal 4 \(illegal instruction\b.{0,60}|\*\*\* caught illegal (?:instruction|operation)\b.{0,20}|received signal 4 ILL_\w{1,10}|"
        r"exit signal illegal instruction \(4\)|exited on signal 4\b|(?:Command failed|child process).{0,200}\bSIGILL\b|^make(?:\[\d+\])?: \*\*\* \[[^\]]{1,200}\] illegal instruction|signal: illegal instruction(?: \(core dumped\))?(?=$|[\s\"'\\,;:.)\]}])",
    ),
    _phrase(
        Reason.ILLEGAL_INSTRUCTION, "traps: app[4711] trap invalid opcode ip:55d0 sp:7ffd error:0 in app[55d0+1000]", "the Linux kernel on x86 (dmesg); arm64: undefined instruction", causes.ILLEGAL, "invalid opcode|undefined instruction|unhandled signal 4",
        within=r"\btrap invalid opcode ip:\w{1,16}|\w{1,40}\[\d{1,9}\]: undefined instruction: pc=\w{1,16}|unhandled signal 4 code 0x\w{1,4}|invalid opcode: 0000 \[#1\]",
    ),
)  # fmt: skip

_LOADED = (
    _phrase(
        Reason.WRONG_LIBRARY, "java.lang.UnsatisfiedLinkError: /x.so: … (Possible cause: can't load AMD 64 .so on a AARCH64 platform)", "the JVM (JDK 8 and newer; AMD 64-bit .so on a AARCH64-bit platform since 11)", causes.FOREIGN_LIBRARY, "possible cause",
        within=r"\(possible cause: (?:can't load .{1,60} \.(?:so|dll|dylib) on an? .{1,40} platform|architecture word width mismatch.{0,100}|endianness mismatch.{0,60})\)?",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "Error: /app/node_modules/x.node: invalid ELF header", "Node.js (ERR_DLOPEN_FAILED), Python (ImportError, OSError), the JVM (UnsatisfiedLinkError), Ruby (LoadError), PHP, Perl, any dlopen(3) with glibc; musl: Exec format error", causes.FOREIGN_LIBRARY, "elf header|elf class|exec format error|mach-o|compatible architecture|elf file data encoding|instead of em_|unexpected e_machine|dynamic section|os abi invalid|et_dyn",
        within=r"(?<!\S)\S{1,4000}\.(?:so[\d.]{0,20}|node|jnilib|dylib|bundle): (?:[^:]{1,300}: )?(?:invalid elf header|wrong elf class: elfclass\d\d|elf file data encoding not (?:big|little)-endian|elf file os abi invalid|only et_dyn and et_exec can be loaded|object file has no dynamic section|slice is not valid mach-o file|mach-o, but wrong architecture|cannot open shared object file: exec format error)|(?:error loading shared library \S{1,300}|\S{1,300}\.node): exec format error|"
        r"compatible architecture \(have '\S{1,40}', need '[^']{1,40}'|is for EM_\w{1,20} \(\d{1,5}\) instead of EM_\w{1,20} \(\d{1,5}\)|has unexpected e_machine: \d{1,5}(?: \(EM_\w{1,20}\))?|invalid elf header(?=$|['\") ].{0,40}$)|^(?:Error: )?.{0,300}wrong elf class: elfclass(?:32|64)(?=$|[\s\"'\\,;:.)\]}])",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "ImportError: /app/x.so: cannot open shared object file: No such file or directory", "Python's import, Node.js (require), Perl (DynaLoader), Ruby (require), Go (plugin.Open), PostgreSQL with glibc: each looks first whether the file is there", causes.PASSED_OVER, "cannot open shared object file: no such file",
        within=r"(?:importerror: /(?!(?:\S{0,1000}/)?lib[^\s/]{1,300}: )\S{1,1000}\.so|\berror: /\S{1,1000}\.node|can't load '([^']{1,1000})' for module [\w:]{1,200}: \1|plugin\.open\(\"([^\"]{1,1000})\"\): \2(?:\.so)?|could not load library \"(/[^\"]{1,1000})\": \3): cannot open shared object file: no such file or directory|"
        r"(?<!\S)(/\S{1,1000}\.so): cannot open shared object file: no such file or directory - \4(?!\S)",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "ImportError: DLL load failed while importing x: %1 is not a valid Win32 application.", "Python, Rust (libloading) on Windows, of a DLL for another CPU", causes.FOREIGN_LIBRARY, "valid win32",
        within=r"(?:dll load failed(?: while importing [\w.]{1,100})?: |loadlibraryexw \{.{1,100}message: \"|error loading \"[^\"]{1,300}\.dll\"[^\"]{0,60}|unsatisfiedlinkerror: .{1,300}\.dll: )%1 is not a valid win32 application",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "System.BadImageFormatException: An attempt was made to load a program with an incorrect format. (0x8007000B)", ".NET, Mono (a native library for another CPU or word size)", causes.FOREIGN_LIBRARY,
        "incorrect format|badimageformat", within=r"an attempt was made to load a program with an incorrect format\b.{0,20}|BadImageFormatException: could not load file or assembly .{1,200}|BadImageFormatException: format of the executable \(\.exe\) or library \(\.dll\) is invalid\.?",
    ),
    _phrase(
        Reason.WRONG_LIBRARY, "Error: You installed esbuild for another platform than the one you're currently using.", "esbuild, sharp, Rollup, SWC, Prisma and other npm packages with a native part", causes.NODE_MODULES,
        "another platform|module using the|cannot find module '@|cannot find module @|locate the query engine|native binding|no native build was found",
        within=r"you installed esbuild (?:for|on) another platform than the one you're currently using|could not load the \\{0,3}\"sharp\\{0,3}\" module using the [\w-]{1,40} runtime|cannot find module '?@[\w./-]{1,60}(?:linux|darwin|win32|linuxmusl|freebsd)-(?:x64|arm64|arm|ia32|s390x|ppc64|riscv64)[\w-]{0,20}(?:(?:/[\w.-]{1,40})?'|\. npm has a bug related to optional dependencies)|\bno native build was found for platform=\w{1,20} arch=\w{1,20}\b.{0,100}|(?:failed to load|cannot find) native binding\b|could not locate the query engine for runtime \\{0,3}\"[\w.-]{1,60}",
    ),
    _phrase(
        Reason.LIBRARY_MISSING, "ImportError: libx.so.1: cannot open shared object file: No such file or directory", "Python (ImportError, OSError), Node.js (ERR_DLOPEN_FAILED), the JVM (UnsatisfiedLinkError), Ruby, PHP, Perl, any dlopen(3) with glibc", causes.NO_LIBRARY, "cannot open shared object|file too short|cannot read file data|dynamically load|unsatisfiedlinkerror|unable to load shared library",
        within=r"(?<!shared libraries: )(?<![\w./-])[\w./@+-]{1,200}\.(?:so[\d.]{0,20}|node): (?:cannot open shared object file: no such file or directory(?! \(possible cause: can't)|file too short(?=$|['\")])|cannot read file data(?=$|['\":)])|cannot dynamically load (?:position-independent )?executable)|unable to load shared library '[^']{1,300}' or one of its dependencies|UnsatisfiedLinkError: no \S{1,100} in (?:system library path|java\.librar[y]\.path)[^\"]{0,100}",
    ),
    _phrase(
        Reason.LIBRARY_TOO_OLD, "ImportError: /app/x.so: undefined symbol: PyUnicode_AsUTF8", "Python (ImportError, OSError), Node.js, Ruby, PHP, Perl, any dlopen(3) with glibc", causes.OLD_LIBRARY, "undefined symbol",
        within=r"(?<!\S)(?<!lookup error: )\S{1,1000}\.(?:so[\d.]{0,20}|node): undefined symbol: [\w@.]{1,300}",
    ),
)  # fmt: skip

_CHILDREN = (
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "OSError: [Errno 8] Exec format error: '/app'", "Python, Ruby (Errno::ENOEXEC), Node.js (spawn /app ENOEXEC, before 21 spawn Unknown system error -8), Java (error=8), Rust (os error 8), Go (fork/exec), .NET (Win32Exception), Perl, PHP, of a child of theirs", causes.FOREIGN, "exec format error|enoexec|system error -8",
        within=r"\[Errno 8\] exec format error(?:: '[^']{1,300}')?|error occurred trying to start process '[^']{1,300}' with working directory '[^']{1,300}'\. exec format error|proc_open\(\): exec failed: exec format error|code: 8, kind: \w{1,20}, message: \\{0,3}\"exec format error|Errno::ENOEXEC\b|\bspawn(?:Sync)? \S{1,300} ENOEXEC\b|error[=:] ?8,? \(?exec format error\)?|exec format error \(os error 8\)|fork/exec [^\s:]{1,300}: exec format error|code: 'ENOEXEC'|spawn(?:Sync)?(?: \S{1,300})? unknown system error -8\b|(?:couldn't exec|spawnerr:|cannot exec|can't exec) .{1,200}: ENOEXEC\b",
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "Bad CPU type in executable (os error 86)", "macOS, handed on by Python (Errno 86), Rust (os error 86), Node.js (spawn Unknown system error -86), Homebrew", causes.FOREIGN, "bad cpu type|error -86",
        within=r"bad cpu type in executable(?= ?\(os error 86\)|[:'\")]|$)|\[Errno 86\] bad cpu type|spawn unknown system error -86",
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, 'ELF binary type "0" not known.', "FreeBSD (Linux programs need its Linuxulator and the right brand)", causes.FOREIGN, "elf binary type", r"elf binary type \"\d{1,3}\" not known\.?",
    ),
    _phrase(
        Reason.LOADER_MISSING, "ELF interpreter /lib64/ld-linux-x86-64.so.2 not found, error 2", "FreeBSD", "the dynamic loader that the program names is not there", "elf interpreter", r"elf interpreter \S{1,300} not found(?:, error \d{1,3})?",
    ),
    _phrase(
        Reason.EXEC_FORMAT_ERROR, "/app is not a valid Win32 application", "Windows: CreateProcess (error 193), %1 is not a valid Win32 application, machine type mismatch (216)", causes.FOREIGN, "valid win32|version of windows|winerror|os error 193",
        within=r"is not a valid win32 application|this version of \S{1,300} is not compatible with the version of windows you're running|\[WinError (?:193|216)\]|bad exe format.{0,20}\(os error 193\)",
    ),
    _phrase(
        Reason.PAGE_SIZE_UNSUPPORTED, "unsupported page size: 16384", "programs that fix the page size at build: box64, FEX, Electron, older Go or Rust runtimes on Asahi or Raspberry Pi 5", causes.PAGES, "page size",
        within=r"unsupported (?:system |kernel )?page ?size:? ?(?:of )?(?:16384|65536|16k|64k)\b|(?:only|requires|needs) (?:a )?(?:4k|4096)(?:[- ]bytes?)? (?:kernel )?page ?sizes?\b",
    ),
)  # fmt: skip

PROGRAMS = (*_LEVELS, *_LACKS, *_SIGILL, *_LOADED, *_CHILDREN)
"""In the order in which they are tried. What a program says of its child is explained, but is no proof of a start that failed."""
