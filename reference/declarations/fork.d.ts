// What @anyfork/fork exports. Made by `npm run update --workspace @anyfork/reference`.

export type BeforeHook = () => unknown;

export interface CheckReport {
    canFork: boolean;
    findings: Finding[];
    copiedThreads: CopiedThreads;
    threads: ThreadReport[];
    resources: Record<string, number>;
    descriptors: OpenDescriptor[];
    addons: string[];
}

export type CopiedThreads = 'one' | 'all';

export interface ExecOptions {
    mode?: ForkMode;
    threads?: CopiedThreads;
    execPath?: string;
    execArgv?: readonly string[];
    env?: NodeJS.ProcessEnv;
    cwd?: string | URL;
    stdio?: readonly StandardStream[];
    argv0?: string;
    title?: string;
    startTimeout?: number;
    memory?: MemoryPolicy;
}

export interface ExitDetails {
    reason?: string | undefined;
    cause?: unknown;
}

export interface ExitStatus {
    code: number | null;
    signal: NodeJS.Signals | null;
}

export interface Finding {
    severity: Severity;
    topic: 'platform' | 'thread' | 'request' | 'process' | 'handle' | 'descriptor' | 'output' | 'listener' | 'addon';
    subject: string;
    text: string;
    advice: string;
}

export declare class ForkError extends Error {
    readonly code: ForkErrorCode;
    constructor(code: ForkErrorCode, message: string, options?: ErrorOptions);
}

export type ForkErrorCode = 'ERR_ACTIVE_HANDLES' | 'ERR_CALL_FAILED' | 'ERR_CANNOT_COPY' | 'ERR_CANNOT_REPLAY' | 'ERR_EVAL_FAILED' | 'ERR_EXPORT_NOT_FOUND' | 'ERR_FOREIGN_THREADS' | 'ERR_FORK_IMPOSSIBLE' | 'ERR_MODULE_FAILED' | 'ERR_MODULE_NOT_FOUND' | 'ERR_NO_INTERPRETER' | 'ERR_NO_PROC' | 'ERR_NOT_FORKABLE' | 'ERR_NOT_OWNED' | 'ERR_NOT_PERMITTED' | 'ERR_PENDING_REQUESTS' | 'ERR_PROCESS_EXITED' | 'ERR_PROTOCOL' | 'ERR_REMOTE' | 'ERR_START_TIMEOUT' | 'ERR_WARM_FAILED' | 'ERR_WORKER_UNSUPPORTED';

export type ForkMode = 'auto' | 'fork' | 'exec';

export declare class ForkProcess extends ProcessOrders implements AsyncDisposable {
    static startTemplate(): ForkProcess;
    static onTemplate(prepare: (template: ForkProcess) => void): void;
    static get templateOptions(): Readonly<ExecOptions>;
    static set templateOptions(options: ExecOptions);
    static create(options?: ProcessOptions): ForkProcess;
    static exec(options?: ExecOptions): ForkProcess;
    static fromFd(socket: Descriptor): ForkProcess;
    static remote(options: RemoteOptions): ForkProcess;
    get pid(): number | undefined;
    get mode(): MadeBy | undefined;
    get lastFork(): MadeFork | undefined;
    get isAlive(): boolean;
    get exited(): Promise<ExitStatus>;
    get spareCount(): number;
    fork(options?: ProcessOptions): ForkProcess;
    keepSpares(count: number): this;
    refork(options?: ProcessOptions): ForkProcess;
    toFd(): Promise<Descriptor>;
    memory(): Promise<MemoryFigures>;
    check(): Promise<CheckReport>;
    inspect(options?: InspectOptions): Promise<string>;
    ready(): Promise<void>;
    run(module: ModuleSpecifier, name: string): Promise<Descriptor>;
    run(name: string): Promise<Descriptor>;
    kill(signal?: NodeJS.Signals | number): boolean;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// not exported
export declare abstract class ProcessOrders {
    get stdin(): Writable | null;
    get stdout(): Readable | null;
    get stderr(): Readable | null;
    require(...modules: ModuleSpecifier[]): this;
    eval<A extends unknown[]>(code: string | ((...args: A) => unknown), ...args: A): this;
    sendArg(...values: unknown[]): this;
    sendFd(...handles: Handle[]): this;
    configure(options: ProcessOptions): this;
    restrict(restrictions: Restrictions): this;
    outlive(): this;
    warm(module: ModuleSpecifier, name: string, args?: readonly unknown[], times?: number): this;
    call<T = unknown>(module: ModuleSpecifier, name: string, ...args: unknown[]): Promise<T>;
}

export type Hook = () => void | Promise<void>;

export interface InspectOptions {
    host?: string;
    port?: number;
}

export type MadeBy = Exclude<ForkMode, 'auto'>;

export interface MadeFork {
    readonly mode: MadeBy;
    readonly obstacle?: string;
}

export interface MemoryFigures {
    rss: number;
    pss: number;
    uss: number;
    shared: number;
}

export type MemoryPolicy = 'lean' | 'balanced' | 'fast';

export type ModuleSpecifier = string | URL;

export type Namespace = 'cgroup' | 'ipc' | 'net' | 'user' | 'uts';

export declare class NotForkableError extends ForkError {
    readonly findings: readonly Finding[];
    constructor(findings: readonly Finding[]);
}

// not exported
export declare class ForkError extends Error {
    readonly code: ForkErrorCode;
    constructor(code: ForkErrorCode, message: string, options?: ErrorOptions);
}

export interface OpenDescriptor {
    fd: number;
    kind: 'file' | 'folder' | 'device' | 'socket' | 'pipe' | 'anonymous';
    name: string;
    state?: 'listening' | 'connected' | 'unconnected';
    local?: string;
    remote?: string;
    isWritable: boolean;
    origin: 'standard' | 'own' | 'inherited' | 'opened';
}

export declare class ProcessExitedError extends ForkError {
    readonly exitCode: number | null;
    readonly signal: NodeJS.Signals | null;
    constructor(status: ExitStatus, what?: string, details?: ExitDetails);
}

// not exported
export declare class ForkError extends Error {
    readonly code: ForkErrorCode;
    constructor(code: ForkErrorCode, message: string, options?: ErrorOptions);
}

export interface ProcessOptions {
    env?: NodeJS.ProcessEnv;
    cwd?: string | URL;
    argv?: readonly string[];
    stdio?: readonly StandardStream[];
}

export interface RemoteOptions {
    command: readonly string[];
    env?: NodeJS.ProcessEnv;
    cwd?: string | URL;
    stderr?: StandardStream;
    startTimeout?: number;
}

export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack';

export interface Restrictions {
    rlimits?: Partial<Record<Resource, number | readonly [
        soft: number,
        hard: number
    ]>>;
    nice?: number;
    umask?: number;
    root?: string;
    cwd?: string;
    uid?: number;
    gid?: number;
    noNewPrivileges?: boolean;
    unshare?: readonly Namespace[];
    noCapabilities?: boolean;
    noSignals?: boolean;
}

export type Severity = 'blocks' | 'warns' | 'notes';

export type StandardStream = 'inherit' | 'ignore' | 'pipe' | Handle;

export interface ThreadReport {
    id: number;
    name: string;
    isForeign: boolean;
}

export declare function afterFork(hook: Hook): () => void;

export declare function beforeFork(hook: BeforeHook): () => void;

export declare function memoryOf(pid: number): Promise<MemoryFigures>;
