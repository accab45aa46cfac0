// A shop as Medusa's documentation sets it up. Most of it is what the starter has; PEERS_SHARED
// chooses what several processes share, as its pages on production say:
//
//     nothing    the defaults: locks, events and workflows in the process's own memory
//     postgres   the PostgreSQL Locking Module Provider; the rest as before
//     redis      the Redis modules for locks, events, workflows and caching, as for production
'use strict';

const { defineConfig } = require('@medusajs/framework/utils');

const redisUrl = process.env.REDIS_URL;

function locking(provider, options = {}) {
    return {
        resolve: '@medusajs/medusa/locking',
        options: {
            providers: [
                {
                    resolve: `@medusajs/medusa/locking-${provider}`,
                    id: `locking-${provider}`,
                    is_default: true,
                    options,
                },
            ],
        },
    };
}

const sharedModules = {
    nothing: [],
    postgres: [locking('postgres')],
    redis: [
        locking('redis', { redisUrl }),
        {
            resolve: '@medusajs/medusa/caching',
            options: {
                providers: [
                    {
                        resolve: '@medusajs/caching-redis',
                        id: 'caching-redis',
                        is_default: true,
                        options: { redisUrl },
                    },
                ],
            },
        },
        { resolve: '@medusajs/medusa/event-bus-redis', options: { redisUrl } },
        { resolve: '@medusajs/medusa/workflow-engine-redis', options: { redis: { redisUrl } } },
    ],
};

const shared = process.env.PEERS_SHARED;

module.exports = defineConfig({
    projectConfig: {
        databaseUrl: process.env.DATABASE_URL,
        ...(shared === 'redis' ? { redisUrl } : {}),
        http: {
            storeCors: 'http://127.0.0.1',
            adminCors: 'http://127.0.0.1',
            authCors: 'http://127.0.0.1',
            jwtSecret: 'of a throw-away shop on the loopback address',
            cookieSecret: 'of a throw-away shop on the loopback address',
        },
    },
    // Its dashboard is not needed to sell.
    admin: { disable: true },
    modules: sharedModules[shared],
});
