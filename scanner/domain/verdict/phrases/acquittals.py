"""Errors of engines that are not the CPU's fault, nor the program's."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.verdict.phrases.phrase import found_in, in_lower_case


@dataclass(frozen=True, slots=True)
class Acquittal:
    """What an engine's error is about instead; ``pattern`` is sought, ``says`` is an example of it.

    ``overrules`` is set where the same line may hold words that otherwise speak of the program.
    """

    instead: str
    says: str
    pattern: str
    overrules: bool = False


_HOST_PROGRAMS = (
    r"docker-credential-[\w.-]{1,60}|nvidia-container-[\w-]{1,40}|nvidia-ctk|containerd-shim[\w-]{0,40}|docker-containerd[\w-]{0,40}|docker-runc|docker-init|docker-proxy|kata-runtime|"
    r"rootlesskit|conmon|netavark|aardvark-dns|slirp4netns|fuse-overlayfs|newuidmap|newgidmap|unpigz|docker-buildx|oci-\w{1,20}-hook|mount\.[\w-]{1,20}|apparmor_parser"
)  # fmt: skip
"""What engines start on the host itself, so that its absence says nothing of the image."""

_ALSO_IN_IMAGES = r"runc|crun|youki|runsc|pasta|passt|ip6?tables(?:-\w{1,20})?|nft|modprobe|pigz|criu|ssh|git|ldconfig|systemd-run|catatonit"
"""The same, where it is not the process of a container that is to start."""

_EXEC = r"exec: (?<!process: exec: )(?<!init: exec: )(?<!caused: exec: )(?<!caused \"exec: )(?<!caused \\\"exec: )"
"""Of another process than the container's; looked at backwards, so that few places cost more than a letter."""

_SLASH = r"(?:/[^\s\"':]{1,200}/)?"

ACQUITTALS = (
    Acquittal(
        "a helper that the engine starts on the host is missing or does not start",
        'error getting credentials - err: exec: "docker-credential-x": executable file not found in $PATH',
        rf"exec: \\{{0,3}}\"{_SLASH}(?:{_HOST_PROGRAMS})\\{{0,3}}\": |{_EXEC}\\{{0,3}}\"{_SLASH}(?:{_ALSO_IN_IMAGES})\\{{0,3}}\": |fork/exec {_SLASH}(?:{_HOST_PROGRAMS}|{_ALSO_IN_IMAGES}): |exec {_SLASH}(?:docker-credential-[\w.-]{{1,60}}|nvidia-container-[\w-]{{1,40}}): |error getting credentials\b|(?<![\w-])(?:{_HOST_PROGRAMS}): exec format error|error running (?:\w{{1,20}} )?hook|"
        r"(?:failed to start|failed to create|start failed: ) ?shim: (?!.{0,20}task)|could not find (?:conmon|runtime|netavark|catatonit)|no such (?:runtime|shim)",
        overrules=True,
    ),
    Acquittal(
        "a command that somebody, a probe or a hook runs in a container that is up (docker exec, kubectl exec) does not start there",
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "bash": executable file not found in $PATH: unknown',
        r"\bexec failed: (?:unable to start container process|(?:container|process|exec)_linux\.go)(?!.{0,2000}(?:exec format error|corrupted shared library))", overrules=True,
    ),
    Acquittal(
        "a program that is called by its name is not in PATH, and no engine says so",
        'error: exec: "kubectl": executable file not found in $PATH', r"^\s{0,20}error: exec: \"[^\"/]{1,300}\": executable file not found in \$PATH(?!:)", overrules=True,
    ),
    Acquittal(
        "a library that LD_PRELOAD names is not loaded (it is missing, or for another CPU or word size), and the program starts without it",
        "ERROR: ld.so: object '/lib/libx.so' from LD_PRELOAD cannot be preloaded (wrong ELF class: ELFCLASS32): ignored.",
        r"object \S{1,300} from (?:LD_PRELOAD|/etc/ld\.so\.preload|--preload) cannot be preloaded.{0,200}: ignored", overrules=True,
    ),
    Acquittal(
        "the GPU's driver or runtime on the host does not serve it",
        "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no such file or directory",
        r"nvidia-container-cli(?:\.real)?: |could not select device driver|failed to (?:initialize|load) NVML|unresolvable CDI devices|CDI device injection failed", overrules=True,
    ),
    Acquittal(
        "a mount or volume is wrong", 'error mounting "/srv/x" to rootfs at "/x": not a directory: Are you trying to mount a directory onto a file?',
        r"error mounting \\{0,3}\"|are you trying to mount a directory|rootfs_linux\.go:\d{1,4}: mounting ", overrules=True,
    ),
    Acquittal(
        "a rootless engine may not open a port that low", "rootlessport cannot expose privileged port 80, you can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf: listen tcp 0.0.0.0:80: bind: permission denied",
        r"cannot expose privileged port|(?:\bbind|failed to bind (?:host )?port.{0,200}): permission denied",
    ),
    Acquittal("a port is in use", "Bind for 0.0.0.0:80 failed: port is already allocated", r"port is already allocated|address already in use|ports? (?:are|is) not available|cannot listen on the \w{2,4} port|failed to bind (?:host )?port|bind for \S{1,80} failed"),
    Acquittal(
        "the network could not be set up", "failed to set up container networking: driver failed programming external connectivity on endpoint api",
        r"driver failed programming external connectivity|failed to (?:set ?up|create|configure) (?:container )?network|failed to set up container networking|network \S{1,200} not found|could not find (?:a )?network|could not find an available.{0,40}ip|no available (?:ipv4|ipv6|ip) |endpoint with name \S{1,100} already exists|"
        r"cni plugin|plugin type=\\{0,3}\"?\w{1,40}|failed to find plugin \\{0,3}\"[^\"]{1,60}|failed to (?:setup|set up) network for sandbox|netavark: |iptables(?: failed)?: |iptables:? no chain|sandbox join failed|unable to connect to .{0,60}netns|failed to add interface|error creating (?:vxlan|bridge)|no route to host|conflicts with existing route|setting up cni|pool overlaps with|user specified ip address",
    ),
    Acquittal(
        "a mount or volume is wrong", 'invalid mount config for type "bind": bind source path does not exist: /srv/x',
        r"bind source path does not exist|invalid mount config|duplicate mount point|error while mounting volume|failed to mount (?:local )?volume|mounts? denied|mount path .{0,200} not (?:shared|found)|path \S{1,200} is (?:mounted on|not a shared|not shared)|"
        r"MountVolume\.|unable to attach or mount volumes|failed to prepare subPath|no such volume|volume \S{1,100} (?:not found|is in use)|volume name .{0,100}invalid|special device \S{1,200} does not exist|error creating (?:mount|overlay mount)|cannot mount over|statfs \S{1,200}: no such file or directory|"
        r"mkdir (?:/host_mnt|/run/desktop|/mnt|/srv|/data|/media|/home)\S{0,200}: (?:permission denied|file exists|read-only file system|no such file or directory)|error evaluating symlinks from mount source|mount callback failed on (?!.{0,200}no users found)|not a directory: are you trying|error response from daemon: invalid volume|mount destination \S{1,200} not absolute",
    ),
    Acquittal(
        "a device is missing", 'error gathering device information while adding custom device "/dev/x": no such file or directory',
        r"error gathering device information|could not select device driver|no such device|device not found|stat /dev/\S{1,100}: no such file or directory|nvidia-container-cli|nvidia-container-runtime|failed to (?:initialize|load) NVML|unresolvable CDI devices|CDI device injection failed|cdi\.k8s\.io|failed to inject CDI|unknown or invalid device|"
        r"unable to (?:start|create).{0,60}device|insufficient (?:nvidia|amd|gpu)|failed to allocate .{0,60}gpu|libcuda\.so|libnvidia-ml\.so",
    ),
    Acquittal("the host's kernel is older than what the image's C library asks for", "FATAL: kernel too old", r"FATAL: kernel too old"),
    Acquittal("the disk is full", "write /var/lib/docker/x: no space left on device", r"no space left on device|disk quota exceeded|ephemeral-storage|DiskPressure|insufficient (?:disk|space)"),
    Acquittal("the host's memory, processes or open files are used up", "fork/exec /proc/self/exe: resource temporarily unavailable", r"resource temporarily unavailable|cannot allocate memory|too many open files|OOMKilled|out of memory|minimum memory limit|memory limit (?:too low|should)|memory\.limit_in_bytes|insufficient (?:cpu|memory)|pids\.max|pthread_create failed(?!.{0,200}operation not permitted)|^oom$"),
    Acquittal("the name is taken", 'Conflict. The container name "/api" is already in use by container "1"', r"(?:container )?name \\{0,3}\"[^\"]{1,200}\\{0,3}\" is already in use|name \S{1,100} is (?:already )?reserved|is already in use by|already exists in the storage|container with id exists already|cannot join (?:network|container|pid)|already in use\. you have to remove"),
    Acquittal(
        "cgroups are not as the engine needs them", "cgroups: cannot find cgroup mount destination: unknown",
        r"cgroups?: |cgroup v?[12]?\b.{0,60}(?:not|cannot|fail|mount)|cgroup[- ](?:mount|parent|manager|path|driver)|failed to (?:create|write|set) .{0,60}cgroup|/sys/fs/cgroup/|unable to apply cgroup|error (?:setting|adding pid .{0,40} to) cgroup|slice .{0,60}not (?:found|loaded)|systemd cgroup|dbus.{0,60}(?:not found|no such file|timeout|refused)|cpuset\.cpus|cpu-(?:shares|quota|period)|requested cpus? are not available|range of cpus is from",
    ),
    Acquittal("a limit, sysctl or option is not accepted", "error setting rlimit type 7: operation not permitted", r"rlimit|ulimit|sysctl \\{0,3}\"?\S{1,60}|write sysctl key|invalid argument: .{0,40}(?:limit|option)|unknown (?:log opt|option|flag)|runtime option"),
    Acquittal(
        "seccomp, AppArmor, SELinux or capabilities forbid it", "apparmor failed to apply profile: write /proc/self/attr/apparmor/exec: no such file or directory",
        r"seccomp|apparmor|selinux|unable to apply caps|capabilit(?:y|ies)\b|no new privileges|failed to set (?:process label|oom_score_adj)|/proc/self/attr/|can't set process label|open_by_handle|keyring|session key|operation not permitted|unshare failed|error (?:setting|adjusting) (?:rlimit|ulimit|oom)|oom_score_adj|uid_map|gid_map|newuidmap|subuid|subgid|potentially insufficient uids",
    ),
    Acquittal(
        "the pod demands another user than root, and the image's is root or a name", "container has runAsNonRoot and image will run as root", r"runAsNonRoot|cannot verify user is non-root",
    ),
    Acquittal(
        "a secret, config or file that the engine puts in is missing", 'secret "db" not found', r"(?:secret|configmap|config|serviceaccount)s? \\{0,3}[\"'`]?[\w./-]{1,200}\\{0,3}[\"'`]? (?:not found|does not exist)|couldn't find key|CreateContainerConfigError|env file \S{1,200} not found|failed to sync (?:secret|configmap) cache|no such secret|no command in config",
    ),
    Acquittal("the log driver does not start", "failed to initialize logging driver: dial tcp 10.0.0.1:514: connect: connection refused", r"(?:initialize|create) (?:the )?logging driver|logger: no log driver|log(?:ging)? driver|failed to create (?:container )?log(?:ger)?|fluentd|syslog server"),
    Acquittal("the runtime that the container asks for is not on the host", "unknown or invalid runtime name: nvidia", r"unknown or invalid runtime name|unknown runtime specified|runtime \\{0,3}\"?[\w.-]{1,60}\\{0,3}\"? (?:not found|is not (?:installed|configured))|no runtime for \\{0,3}\"[^\"]{1,60}|RuntimeHandler \\{0,3}\"[^\"]{1,60}\\{0,3}\" not supported|default OCI runtime .{0,60} not found|invalid runtime name"),
    Acquittal("the engine itself is in trouble", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", r"cannot connect to the docker daemon|is the docker daemon running|connection refused|context deadline exceeded|i/o timeout|timed? ?out waiting|context canceled|transport is closing|shim (?:disconnected|exited)|ttrpc: closed|unexpected EOF|database is locked|bolt|TLS handshake timeout|no such host|input/output error|structure needs cleaning|layer does not exist|failed to get (?:rootfs|graph driver)|error creating overlay|read-only file system|failed to register layer|not in a running state|dependency failed to start|is unhealthy"),
    Acquittal("the container was not made yet, or is being removed", "No such container: api", r"no such container|no container with name or id|container .{0,80} is marked for removal|is not running|container state improper|already (?:stopped|removed)|exec failed: container_linux"),
)  # fmt: skip
"""In the order in which they are tried; each clause stands after ``not for the CPU:``."""


def acquitted(text: str) -> str:
    """What a bounded text is about instead of the CPU or the program; empty where nothing says so."""
    low = in_lower_case(text)
    return next((each.instead for each in ACQUITTALS if found_in(each.pattern, low)), "")


def is_overruled(text: str) -> bool:
    """Whether a bounded text speaks of the host's own programs or mounts, in words that runtimes use of the image's."""
    low = in_lower_case(text)
    return any(each.overrules and found_in(each.pattern, low) for each in ACQUITTALS)
