// What @anyfork/fork-pool/prefork exports. Made by `npm run update --workspace @anyfork/reference`.

export type MakeServer = (context: PreforkContext) => RequestListener | Server | Promise<RequestListener> | Promise<Server>;

export type PreforkAddress = AddressInfo | string;

export interface PreforkBackOff {
    first?: number;
    longest?: number;
}

export interface PreforkContext {
    id: number;
    signal: AbortSignal;
}

export interface PreforkListenOptions {
    port?: number;
    host?: string;
    ipv6Only?: boolean;
    path?: string;
    fd?: Handle;
    backlog?: number;
    reusePort?: boolean;
}

export interface PreforkOptions {
    workers?: number;
    listen?: number | PreforkListenOptions;
    grace?: number;
    idleGrace?: number;
    startTimeout?: number;
    backOff?: PreforkBackOff;
    signals?: boolean;
    done?: string;
    onError?: (error: Error) => void;
    onWorker?: (worker: PreforkWorkerFigures) => void;
}

export declare class PreforkServer implements AsyncDisposable {
    readonly address: PreforkAddress;
    readonly stopped: Promise<void>;
    get workers(): PreforkWorkerFigures[];
    reload(): Promise<void>;
    stop(options?: PreforkStopOptions): Promise<void>;
    stats(): Promise<PreforkStats>;
    [Symbol.asyncDispose](): Promise<void>;
}

export interface PreforkStats {
    upMilliseconds: number;
    started: number;
    died: number;
    killed: number;
    reloads: number;
    workers: (PreforkWorkerFigures & WithMemory & WithServed)[];
    template: TemplateFigures;
}

export interface PreforkStopOptions {
    grace?: number;
}

export interface PreforkWorkerFigures {
    id: number;
    pid: number | undefined;
    state: PreforkWorkerState;
    mode: 'fork' | 'exec' | undefined;
    generation: number;
    ageMilliseconds: number;
    exitCode?: number | null;
    signal?: NodeJS.Signals | null;
}

export type PreforkWorkerState = 'starting' | 'ready' | 'draining' | 'ended';

export interface ServedCounts {
    connections: number;
    pending: number;
    requests: number;
}

export interface TemplateFigures extends WithMemory {
    pid: number | undefined;
    mode: 'fork' | 'exec' | undefined;
    obstacle?: string;
}

export type TemplateSource = ForkProcess | (() => ForkProcess);

export interface WithMemory {
    memory?: MemoryFigures;
}

export interface WithServed {
    served?: ServedCounts;
}

export declare function prefork(module: ModuleSpecifier, options?: PreforkOptions): Promise<PreforkServer>;

export declare function prefork(module: ModuleSpecifier, name: string, options?: PreforkOptions): Promise<PreforkServer>;

export declare function prefork(template: TemplateSource, module: ModuleSpecifier, options?: PreforkOptions): Promise<PreforkServer>;

export declare function prefork(template: TemplateSource, module: ModuleSpecifier, name: string, options?: PreforkOptions): Promise<PreforkServer>;
