// What @anyfork/fork/child exports. Made by `npm run update --workspace @anyfork/reference`.

export declare function runArgs(): unknown[];
