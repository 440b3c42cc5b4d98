// What @anyfork/fork/template exports. Made by `npm run update --workspace @anyfork/reference`.

export declare function forkTemplate(): Promise<ForkProcess>;

export declare const forkingFlags: readonly string[];
