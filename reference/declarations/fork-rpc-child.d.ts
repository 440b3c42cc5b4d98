// What @anyfork/fork-rpc/child exports. Made by `npm run update --workspace @anyfork/reference`.

export interface Done {
    (result?: unknown): void;
    fail(error: unknown): void;
}

export declare class PassedDescriptor {
    constructor(descriptor: Descriptor);
    static get areWaiting(): boolean;
    get isWaiting(): boolean;
    release(): Descriptor;
}

export declare function callSignal(): AbortSignal;

export declare function event(...values: unknown[]): void;

export declare function fd(handle: Handle): PassedDescriptor;

export declare function flush(): boolean;

export declare function isWorker(): boolean;

export declare function withDone<A extends unknown[]>(call: (done: Done, ...args: A) => unknown): (...args: A) => unknown;
