// What @anyfork/fork/template exports. Made by `npm run update --workspace @anyfork/reference`.

export declare function forkTemplate(): Promise<ForkProcess>;

export declare const FORKING_FLAGS: readonly string[];
