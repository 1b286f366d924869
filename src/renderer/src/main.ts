// SPDX-License-Identifier: MIT
import '@fontsource-variable/inter/wght.css';
import './design/mono.css';
import './design/tokens.css';
import './design/base.css';
import { mount } from 'svelte';
import App from './app/App.svelte';
import { Workspace } from './app/workspace.svelte';

const workspace = new Workspace();
await workspace.start();
const target = document.getElementById('app');
if (target) mount(App, { target, props: { workspace } });
